"""Purposes as a document in the ledger."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.purpose import (
    DEFAULT_PURPOSES,
    DeclaredPurpose,
    Recipient,
    check_purpose,
    format_purposes,
    parse_purposes,
    purpose_from,
    read_purposes,
    register_purposes,
    traits_of,
)
from imp_core.errors import BadInput, LedgerBroken
from imp_core.gate import Purpose

Trial = Callable[[], AbstractContextManager[Transaction]]

NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,8}(\.[a-z][a-z0-9_-]{0,8}){0,3}", fullmatch=True)
TEXTS = st.text(min_size=1, max_size=80).filter(lambda text: text.isprintable() and bool(text.strip()))


def test_the_document_reads_as_written_here() -> None:
    document = format_purposes([Purpose(name="marketing.email", description='We "write" to you – often.')])
    assert document.decode() == (
        'format = "imp-purposes/2"\n'
        "\n"
        "[[purpose]]\n"
        'name = "marketing.email"\n'
        'description = "We \\"write\\" to you – often."\n'
        "version = 1\n"
    )


@given(st.dictionaries(NAMES, TEXTS, max_size=5))
def test_any_purposes_come_back_from_their_document(texts: dict[str, str]) -> None:
    purposes = [DeclaredPurpose(name=name, description=text) for name, text in texts.items()]
    document = format_purposes(purposes)
    assert parse_purposes(document) == tuple(sorted(purposes, key=lambda purpose: purpose.name))
    assert format_purposes(reversed(purposes)) == document, "equal sets give equal bytes"


@pytest.mark.parametrize("name", ["", "Ads", "ads.", ".ads", "ads..mail", "ads mail", "1ads", "*", "a" * 65, "реклама"])
def test_a_name_that_is_not_dotted_words_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        check_purpose(DeclaredPurpose(name=name, description="We do."))


def test_the_longest_name_and_the_longest_line_that_fit_are_taken() -> None:
    purpose = DeclaredPurpose(name="a" * 64, description="b" * 500, necessity="c" * 500)
    assert check_purpose(purpose) is purpose


def test_traits_are_kept_once_each_and_in_order() -> None:
    purpose = DeclaredPurpose(name="ads", description="We do.", traits=("sale", "profiling", "sale"))
    assert check_purpose(purpose).traits == ("profiling", "sale")


@pytest.mark.parametrize(
    ("traits", "what"),
    [
        (("sale", "secret"), "^1 unknown trait$"),
        (("hidden", "sale", "secret"), "^2 unknown traits$"),
        (("none", "sale"), "^the trait none beside others$"),
    ],
)
def test_traits_that_nobody_knows_or_that_contradict_each_other_are_refused(traits: tuple[str, ...], what: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_purpose(DeclaredPurpose(name="ads", description="We do.", traits=traits))
    assert re.search(what, refused.value.what)


def test_a_misspelt_trait_is_told_by_its_place_and_what_it_may_be_and_never_repeated() -> None:
    with pytest.raises(BadInput) as refused:
        check_purpose(DeclaredPurpose(name="ads", description="We do.", traits=("sale", "electronic-mial", "zoe@x.y")))
    assert refused.value.what == "2 unknown traits"
    assert (refused.value.mend or "").startswith(
        "number 2 of its traits: did you mean electronic-mail?; number 3 of its traits; known are: automated-decision,"
    )
    assert "zoe" not in str(refused.value)


def test_none_said_twice_is_none() -> None:
    assert check_purpose(DeclaredPurpose(name="ads", description="We do.", traits=("none", "none"))).traits == ("none",)


@pytest.mark.parametrize("text", ["", "   ", "two\nlines", "a" * 501, "\x00", "\ud800"])
def test_a_purpose_that_does_not_say_what_is_done_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="description"):
        check_purpose(DeclaredPurpose(name="ads", description=text))


def test_a_purpose_named_twice_is_refused() -> None:
    with pytest.raises(BadInput, match="twice"):
        format_purposes([DEFAULT_PURPOSES[0], DEFAULT_PURPOSES[0]])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"not toml =",
        b'format = "imp-purposes/3"\n',
        b'format = "imp-purposes/1"\npurpose = 3\n',
        b'format = "imp-purposes/1"\n\n[[purpose]]\nname = "ads"\n',
        b'format = "imp-purposes/1"\n\n[[purpose]]\nname = "ADS"\ndescription = "We do."\nversion = 1\n',
        b'format = "imp-purposes/1"\n\n[[purpose]]\nname = 3\ndescription = "We do."\nversion = 1\n',
        b'format = "imp-purposes/1"\n# a comment\n',
    ],
)
def test_other_bytes_are_no_document_of_purposes(data: bytes) -> None:
    with pytest.raises(LedgerBroken):
        parse_purposes(data)


def test_the_newest_registered_set_holds(trial: Trial) -> None:
    with trial() as transaction:
        assert read_purposes(transaction) == {}
        register_purposes(transaction, DEFAULT_PURPOSES)
        assert list(read_purposes(transaction)) == ["analytics", "essential", "experimentation", "marketing.email"]
        register_purposes(transaction, DEFAULT_PURPOSES[:1])
        transaction.append_system("policy", {"regimes": "another configuration"})
        assert list(read_purposes(transaction)) == ["essential"]


def test_a_changed_document_is_noticed(trial: Trial) -> None:
    with trial() as transaction:
        register_purposes(transaction, DEFAULT_PURPOSES)
        triggers = transaction.sql.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            transaction.sql.execute(f"DROP TRIGGER {name}")
        transaction.sql.execute("UPDATE policy SET body = CAST(replace(CAST(body AS TEXT), 'offers', 'scams') AS BLOB)")
        with pytest.raises(LedgerBroken):
            read_purposes(transaction)


FULL = DeclaredPurpose(
    name="ads.partners",
    description="我们与合作伙伴共享数据。",
    version=3,
    traits=("sensitive", "transfer-handler"),
    data=("identifier", "健康"),
    recipient=Recipient(
        name="Partner 有限公司", contact="privacy@partner.example", method='"matching"', rights="Write."
    ),
    necessity="Nothing else tells it.",
    opt_out_option="Ask for the plain page.",
    review="A person looks at it.",
)


def test_all_that_a_purpose_declares_comes_back_from_its_document() -> None:
    (read,) = parse_purposes(format_purposes([FULL]))
    assert read == FULL
    assert set(read.terms) == {"traits", "data", "recipient", "necessity", "opt_out_option", "review"}


def test_the_first_format_is_still_read_and_says_nothing_the_second_would_not() -> None:
    plain = DeclaredPurpose(name="ads", description="We do.")
    first = format_purposes([plain]).replace(b"imp-purposes/2", b"imp-purposes/1")
    assert parse_purposes(first) == (plain,)
    with pytest.raises(LedgerBroken):
        parse_purposes(format_purposes([FULL]).replace(b"imp-purposes/2", b"imp-purposes/1"))


def test_a_document_of_the_first_format_may_speak_of_the_second_and_may_be_empty() -> None:
    plain = DeclaredPurpose(name="ads", description='We write "imp-purposes/2" on walls.')
    assert parse_purposes(format_purposes([plain]).replace(b"imp-purposes/2", b"imp-purposes/1", 1)) == (plain,)
    assert parse_purposes(b'format = "imp-purposes/1"\n') == ()
    mixed = format_purposes([plain, FULL]).replace(b"imp-purposes/2", b"imp-purposes/1", 1)
    with pytest.raises(LedgerBroken, match="canonical form"):
        parse_purposes(mixed)


def test_the_traits_of_a_purpose_are_its_own_or_those_a_shipped_one_has_now() -> None:
    email = DEFAULT_PURPOSES[-1]
    bare = DeclaredPurpose(name=email.name, description=email.description)
    assert traits_of(bare) == email.traits == ("direct-marketing", "electronic-mail")
    assert traits_of(DeclaredPurpose(name=email.name, description=email.description, traits=("sale",))) == ("sale",)
    assert traits_of(DeclaredPurpose(name=email.name, description="Something else.")) == ()
    assert traits_of(FULL) == FULL.traits


def test_a_table_of_a_purpose_begins_at_version_1_and_says_nothing_unknown() -> None:
    table = {"name": "ads", "description": "We do."}
    assert purpose_from(table) == DeclaredPurpose(name="ads", description="We do.", version=1)
    with pytest.raises(BadInput, match="unknown field") as refused:
        purpose_from({**table, "trait": ["sale"]})
    assert "traits" in (refused.value.mend or "")
    with pytest.raises(KeyError):
        purpose_from({"name": "ads"})


@pytest.mark.parametrize("material", [(), ("ads", "a.b")])
def test_what_changed_in_substance_is_named_sorted_where_anything_did(trial: Trial, material: tuple[str, ...]) -> None:
    with trial() as transaction:
        seq = register_purposes(transaction, DEFAULT_PURPOSES, material=material)
        (entry,) = transaction.system_entries("policy")
    assert entry.seq == seq
    assert entry.fields.get("material") == (sorted(material) or None)


@pytest.mark.parametrize(
    "bad",
    [
        {"traits": ("no-such-trait",)},
        {"data": ("two\nlines",)},
        {"necessity": " "},
        {"recipient": Recipient(name="")},
        {"version": 0},
        {"review": "x" * 501},
    ],
)
def test_a_purpose_that_declares_what_nobody_knows_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        check_purpose(DeclaredPurpose(**({"name": "ads", "description": "We do."} | bad)))
