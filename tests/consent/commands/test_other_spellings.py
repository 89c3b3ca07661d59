"""Other spellings of one address: an opt-out reaches all of them, a consent its own alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands.record import record
from imp_consent.identity.unsubscribe import seal_token
from imp_consent.ledger.alike import subjects_alike, subjects_alike_to
from imp_consent.ledger.entry import PersonEntry
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, format_time
from imp_core.context import Context
from imp_core.event import RawId

Cli = Any
MAIL = "marketing.email"
PLAIN, DOTTED, TAGGED = (f"email:{name}@gmail.com" for name in ("janedoe", "jane.doe", "jane.doe+news"))
GOOGLE, OTHER = "email:JaneDoe@googlemail.com", "email:john@gmail.com"
ALL = (PLAIN, DOTTED, TAGGED, GOOGLE)


@pytest.fixture
def known(shop: Context) -> Context:
    """One person under four spellings, and another; all said yes thirty days ago."""
    for word in (*ALL, OTHER):
        record(shop, RawId.parse(word), purpose=MAIL, state="given", at_us=shop.clock.now_us() - 30 * DAY_US)
    return shop


def asked(imp_here: Cli, word: str) -> bool:
    found: bool = imp_here("consent", "check", word, "--purpose", MAIL, "--channel", "email", "--json").json[
        "permitted"
    ]
    return found


def test_a_withdrawal_under_one_spelling_reaches_every_other_and_nobody_else(imp_here: Cli, known: Context) -> None:
    imp_here("consent", "record", TAGGED, "--purpose", MAIL, "--state", "withdrawn").ok()
    assert [asked(imp_here, word) for word in (*ALL, OTHER)] == [False, False, False, False, True]
    imp_here("audit", "verify").ok()


def test_a_withdrawal_under_a_spelling_nobody_had_yet_reaches_those_who_are_known(
    imp_here: Cli, known: Context
) -> None:
    imp_here("consent", "record", "email:jane.doe+vip@gmail.com", "--purpose", MAIL, "--state", "withdrawn").ok()
    assert not any(asked(imp_here, word) for word in ALL)


def test_a_consent_under_one_spelling_opens_nothing_under_another(imp_here: Cli, shop: Context) -> None:
    record(shop, RawId.parse(PLAIN), purpose=MAIL, state="given")
    assert [asked(imp_here, word) for word in (PLAIN, DOTTED, TAGGED)] == [True, False, False]


def test_who_withdrew_and_says_yes_anew_under_one_spelling_is_asked_for_that_one_alone(
    imp_here: Cli, known: Context, clock: Any
) -> None:
    imp_here("consent", "record", PLAIN, "--purpose", MAIL, "--state", "withdrawn").ok()
    clock.move_to(clock.now_us() + DAY_US)
    imp_here("consent", "record", DOTTED, "--purpose", MAIL, "--state", "given").ok()
    assert [asked(imp_here, word) for word in ALL] == [False, True, False, False]


def test_an_old_consent_that_comes_later_under_another_spelling_stays_taken_back(
    imp_here: Cli, shop: Context, clock: Any, entries: Callable[[str], list[PersonEntry]]
) -> None:
    imp_here("consent", "record", PLAIN, "--purpose", MAIL, "--state", "withdrawn").ok()
    before = shop.clock.now_us() - DAY_US
    record(shop, RawId.parse(TAGGED), purpose=MAIL, state="given", at_us=before)
    assert not asked(imp_here, TAGGED)
    copied = next(entry for entry in entries(TAGGED) if entry.statement.type == "withdraw")
    assert copied.payload["other_spelling"] is True
    clock.move_to(clock.now_us() + DAY_US)
    record(shop, RawId.parse(TAGGED), purpose=MAIL, state="given")
    assert asked(imp_here, TAGGED), "a yes of its own, given since, counts"


def test_in_one_file_too_an_opt_out_counts_for_every_spelling(imp_here: Cli, shop: Context, tmp_path: Path) -> None:
    now = shop.clock.now_us()
    early, late = (format_time(now - days * DAY_US) for days in (9, 2))
    file = tmp_path / "people.csv"
    file.write_text(
        "identifier,purpose,state,at\n"
        f"{PLAIN},{MAIL},withdrawn,{late}\n{DOTTED},{MAIL},given,{early}\n{OTHER},{MAIL},given,{early}\n",
        encoding="utf-8",
    )
    imp_here("consent", "import", str(file)).ok()
    assert [asked(imp_here, word) for word in (PLAIN, DOTTED, OTHER)] == [False, False, True]


def test_a_click_reaches_every_spelling_and_says_so(imp_here: Cli, known: Context) -> None:
    with open_log(known).read() as reader:
        subject = reader.find_subject(RawId.parse(TAGGED))
        key = reader.keyring.active("channel")
    token = seal_token(key, subject=subject or 0, purpose=MAIL, channel="email", issued_us=0)
    done = imp_here("consent", "unsubscribe", token).ok()
    assert "3 more, known under another spelling of the same address" in done.out
    assert not any(asked(imp_here, word) for word in ALL)
    again = imp_here("consent", "unsubscribe", token, "--json").ok().json
    assert (again["already"], again["alike"], again["first_seq"]) == (1, 0, None)


def test_a_complaint_reaches_every_spelling_and_a_bounce_only_the_address_it_names(
    imp_here: Cli, known: Context
) -> None:
    imp_here("consent", "signal", "record", PLAIN, "--kind", "bounce", "--channel", "email").ok()
    assert [asked(imp_here, word) for word in ALL] == [False, True, True, True]
    imp_here("consent", "signal", "record", PLAIN, "--kind", "complaint", "--channel", "email").ok()
    assert not any(asked(imp_here, word) for word in ALL)


def test_case_tells_two_members_apart(imp_here: Cli, shop: Context) -> None:
    for word in ("member:AB1", "member:ab1"):
        record(shop, RawId.parse(word), purpose=MAIL, state="given", at_us=shop.clock.now_us() - DAY_US)
    imp_here("consent", "record", "member:AB1", "--purpose", MAIL, "--state", "withdrawn").ok()
    assert [asked(imp_here, word) for word in ("member:AB1", "member:ab1")] == [False, True]


def test_spellings_still_meet_after_keys_were_changed(imp_here: Cli, known: Context) -> None:
    for words in (("rotate", "kek"), ("rotate", "pepper"), ("rotate", "row")):
        imp_here("keys", *words, "--execute").ok()
    known.reload_workspace()
    with open_log(known).read() as reader:
        people = {reader.find_subject(RawId.parse(word)) for word in ALL}
        assert set(subjects_alike(reader, RawId.parse(DOTTED))) == people
        (one, *others) = sorted(subject for subject in people if subject is not None)
        assert subjects_alike_to(reader, one) == others


def test_a_refusal_under_one_spelling_reaches_every_other_now_and_later(imp_here: Cli, known: Context) -> None:
    imp_here("consent", "record", TAGGED, "--purpose", MAIL, "--state", "refused").ok()
    assert [asked(imp_here, word) for word in (*ALL, OTHER)] == [False, False, False, False, True]
    later = "email:jane.doe+later@gmail.com"
    record(known, RawId.parse(later), purpose=MAIL, state="given", at_us=known.clock.now_us() - 20 * DAY_US)
    assert not asked(imp_here, later)


def under(shop: Context, regime: str) -> None:
    """From now on another law holds."""
    with (shop.workspace.root / "imp.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[policy]\nregimes = ["{regime}"]\n')
    shop.reload_workspace()


def clocks(entries: Callable[[str], list[PersonEntry]], word: str) -> tuple[bool, list[Any]]:
    """Whether a withdrawal says until when nobody asks again, and the tasks that were opened."""
    found = entries(word)
    withdrawals = [entry.payload for entry in found if entry.statement.type == "withdraw"]
    assert len(withdrawals) == 1
    return "ask_again_us" in withdrawals[0], [entry.payload.get("task") for entry in found if entry.payload.get("task")]


@pytest.mark.parametrize("act", ["record", "click", "later"])
@pytest.mark.parametrize("regime", ["cn-pipl", "us-ca", "gdpr"])
def test_what_the_law_lets_follow_from_a_withdrawal_follows_for_every_spelling(
    imp_here: Cli, known: Context, entries: Callable[[str], list[PersonEntry]], act: str, regime: str
) -> None:
    under(known, regime)
    later = "email:jane.doe+later@gmail.com"
    if act == "click":
        with open_log(known).read() as reader:
            subject = reader.find_subject(RawId.parse(PLAIN))
            key = reader.keyring.active("channel")
        token = seal_token(key, subject=subject or 0, purpose=MAIL, channel="email", issued_us=0)
        imp_here("consent", "unsubscribe", token).ok()
    else:
        imp_here("consent", "record", PLAIN, "--purpose", MAIL, "--channel", "email", "--state", "withdrawn").ok()
    told = clocks(entries, PLAIN)
    assert told[1] == (["withdrawal"] if regime == "cn-pipl" else [])
    if act == "later":
        record(known, RawId.parse(later), purpose=MAIL, state="given", at_us=known.clock.now_us() - DAY_US)
        assert clocks(entries, later) == told
    else:
        assert [clocks(entries, word) for word in ALL] == [told] * len(ALL)
    assert told[0] is (regime == "us-ca")
    imp_here("audit", "verify").ok()


def said_at(clock: Any, days: int) -> str:
    """A time so many days ago."""
    return format_time(clock.now_us() - days * DAY_US)


@pytest.mark.parametrize("how", ["record", "object", "import"])
def test_a_no_under_a_spelling_that_was_erased_reaches_those_who_live(
    imp_here: Cli, known: Context, tmp_path: Path, how: str
) -> None:
    imp_here("consent", "erase", TAGGED, "--execute").ok()
    assert [asked(imp_here, word) for word in ALL] == [True, True, False, True]
    if how == "import":
        lines = ["identifier,purpose,state,at", f"{TAGGED},{MAIL},withdrawn,{said_at(known.clock, 1)}"]
        (tmp_path / "noes.csv").write_text("\n".join([*lines, f"{TAGGED},{MAIL},given,{said_at(known.clock, 0)}", ""]))
        done = imp_here("consent", "import", str(tmp_path / "noes.csv")).ok().out
        assert "1 of people who were erased left out" in done, "the yes, for nothing permits them"
        again = imp_here("consent", "import", str(tmp_path / "noes.csv"), "--json").ok().json
        assert again["rows"] == 0
    else:
        words = ("record", TAGGED, "--purpose", MAIL, "--state", "withdrawn") if how == "record" else ("object", TAGGED)
        done = imp_here("consent", *words, "--json").ok()
        assert "was erased: it was recorded of those known by another spelling" in done.json["warnings"][0]
    assert [asked(imp_here, word) for word in (*ALL, OTHER)] == [False, False, False, False, True]
    imp_here("audit", "verify").ok()


def test_a_no_of_somebody_erased_whom_nobody_is_like_and_a_yes_are_recorded_of_nobody(
    imp_here: Cli, known: Context
) -> None:
    imp_here("consent", "erase", OTHER, TAGGED, "--execute").ok()
    for word, state in ((OTHER, "withdrawn"), (TAGGED, "given")):
        refused = imp_here("consent", "record", word, "--purpose", MAIL, "--state", state)
        assert (refused.code, "this person was erased" in refused.err) == (1, True)
    assert [asked(imp_here, word) for word in ALL] == [True, True, False, True]


@pytest.mark.parametrize("first", ["its other spelling", "the person"])
def test_whom_an_address_is_linked_to_shares_the_noes_of_its_other_spellings(
    imp_here: Cli, shop: Context, first: str
) -> None:
    no, yes = ("--state", "withdrawn", "--at", said_at(shop.clock, 1)), ("--state", "given", "--at")
    member, other = ("member:7", TAGGED) if first == "its other spelling" else (TAGGED, "member:7")
    imp_here("consent", "record", other, "--purpose", MAIL, *no).ok()
    imp_here("consent", "record", member, "--purpose", MAIL, *yes, said_at(shop.clock, 2)).ok()
    assert asked(imp_here, member)
    imp_here("consent", "link", "member:7", PLAIN, "--verified", "reasonable", "--how", "showed a letter").ok()
    assert [asked(imp_here, word) for word in ("member:7", PLAIN, TAGGED)] == [False, False, False]
    imp_here("consent", "record", member, "--purpose", MAIL, *yes, said_at(shop.clock, 0)).ok()
    assert asked(imp_here, member), "a yes of its own, given since, counts"
    imp_here("audit", "verify").ok()
