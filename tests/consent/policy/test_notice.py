"""Notices: what consent needs them to say, and that their exact text comes back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.notice import (
    Notice,
    check_notice,
    default_notice,
    find_withdrawal,
    format_notice,
    parse_notice,
    read_notices,
    register_notice,
)
from imp_consent.policy.notice_search import find_notice, newest_notice
from imp_consent.policy.purpose import DEFAULT_PURPOSES
from imp_core.clock import parse_time
from imp_core.errors import BadInput, LedgerBroken

Trial = Callable[[], AbstractContextManager[Transaction]]
TEXT = "Shop Ltd texts you offers.\n\nYou may withdraw\nat any time."
NOTICE = Notice(
    name="sms",
    version=1,
    language="en",
    controller="Shop Ltd",
    purposes=("marketing.sms",),
    withdrawal="You may withdraw at any time.",
    text=TEXT,
    data=("identifier",),
)


def test_the_canonical_bytes_are_these() -> None:
    assert format_notice(NOTICE) == (
        b'{"controller":"Shop Ltd","data":["identifier"],"language":"en","name":"sms","purposes":["marketing.sms"],'
        b'"recipients":[],"text":"Shop Ltd texts you offers.\\n\\nYou may withdraw\\nat any time.","version":1,'
        b'"withdrawal":"You may withdraw at any time."}'
    )
    assert NOTICE.sha256 == "4709afc400c9962888966110bd06c5ec05719f8f618773315fb1db2040169d2b"


def test_the_bytes_of_a_notice_in_any_script_are_its_letters_and_steps_are_in_them_where_they_are_counted() -> None:
    chinese = replace(NOTICE, text="您可以随时撤回同意。", withdrawal="撤回", grant_steps=2, withdraw_steps=1)
    assert '"text":"您可以随时撤回同意。"'.encode() in format_notice(chinese)
    assert b'"grant_steps":2' in format_notice(chinese)
    assert parse_notice(format_notice(chinese)) == chinese
    assert b"steps" not in format_notice(NOTICE)


@given(st.text(max_size=200), st.lists(st.text(max_size=20), max_size=3))
def test_any_notice_comes_back_from_its_bytes(text: str, recipients: list[str]) -> None:
    notice = replace(NOTICE, text=text, recipients=tuple(recipients))
    assert parse_notice(format_notice(notice)) == notice


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"\xff", b'{"name": "sms"}', format_notice(NOTICE) + b" ", b"null"]
)
def test_other_bytes_are_no_notice(data: bytes) -> None:
    with pytest.raises(LedgerBroken):
        parse_notice(data)


@pytest.mark.parametrize(
    "change",
    [
        *({name: 3} for name in ("name", "language", "controller", "withdrawal", "text")),
        *({name: (3,)} for name in ("purposes", "data", "recipients")),
        {"version": "1"},
        {"version": True},
        {"version": None},
        {"withdrawal": ["a"]},
        {"grant_steps": "1", "withdraw_steps": "1"},
        {"grant_steps": 1.0},
        {"withdraw_steps": [1]},
    ],
)
def test_a_notice_with_a_number_for_a_text_or_a_text_for_a_number_is_none(change: dict[str, Any]) -> None:
    with pytest.raises(LedgerBroken):
        parse_notice(format_notice(replace(NOTICE, **change)))


def test_a_notice_nested_past_all_measure_is_none() -> None:
    with pytest.raises(LedgerBroken):
        parse_notice(b"[" * 200_000)


def test_r06_the_exact_text_comes_back_by_its_hash(trial: Trial) -> None:
    with trial() as transaction:
        done = register_notice(transaction, NOTICE)
        (found,) = read_notices(transaction)
        assert found == done
        assert parse_notice(transaction.notice(done.sha256)).text == TEXT
        assert find_notice([found], done.sha256) is found
        assert find_notice([found], done.sha256[:8]) is found
        assert find_notice([found], "sms") is found


def test_r07_the_default_notice_says_everything_in_the_controllers_name() -> None:
    notice = check_notice(default_notice("Søren & {Søn} GmbH"))
    assert "Søren & {Søn} GmbH" in notice.text
    assert "{controller}" not in notice.text
    for purpose in DEFAULT_PURPOSES:
        assert purpose.name in notice.purposes
        assert purpose.description in notice.text
    assert "withdraw" in notice.withdrawal
    assert (notice.name, notice.version, notice.language) == ("default", 1, "en")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"controller": " "}, "controller is empty"),
        ({"controller": "Other Ltd"}, "does not name the controller"),
        ({"purposes": ()}, "no purposes"),
        ({"data": ()}, "no kinds of data"),
        ({"data": ("",)}, "no kinds of data"),
        ({"recipients": ("\n",)}, "recipient"),
        ({"withdrawal": ""}, "how to withdraw"),
        ({"withdrawal": "You may leave."}, "how to withdraw"),
        ({"text": " \n "}, "without text"),
        ({"language": "english please"}, "not a language"),
        ({"name": "No Name"}, "not a name"),
        ({"version": 0}, "version"),
        ({"text": f"{TEXT}{'x' * 200_000}"}, "more than 200,000 characters"),
        ({"text": ""}, "without text"),
        ({"data": ("identifier", " ")}, "no kinds of data"),
        ({"data": ("x" * 501,)}, "no kinds of data"),
        ({"recipients": ("",)}, "recipient"),
        ({"withdrawal": " "}, "how to withdraw"),
        ({"text": f"{TEXT} {'x' * 501}", "withdrawal": "x" * 501}, "longer than 500 characters"),
        ({"grant_steps": 1}, "numbers of steps"),
        ({"withdraw_steps": 1}, "numbers of steps"),
        ({"grant_steps": 0, "withdraw_steps": 0}, "numbers of steps"),
        ({"grant_steps": 101, "withdraw_steps": 1}, "numbers of steps"),
        ({"grant_steps": True, "withdraw_steps": True}, "numbers of steps"),
        ({"grant_steps": 1, "withdraw_steps": 2}, "more steps to withdraw than to agree"),
        ({"text": f"{TEXT}\nYou cannot withdraw.", "withdrawal": "You cannot withdraw."}, "nobody can"),
    ],
)
def test_r07_a_notice_that_lacks_what_the_law_asks_for_is_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        check_notice(replace(NOTICE, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 1},
        {"text": TEXT + "x" * (200_000 - len(TEXT))},
        {"controller": "SHOP\nltd"},
        {"withdrawal": "you MAY withdraw  at any time."},
        {"text": f"{TEXT} {'x' * 500}", "withdrawal": "x" * 500},
        {"data": ("x" * 500, "健康")},
        {"recipients": ("Partner 有限公司",)},
        {"grant_steps": 1, "withdraw_steps": 1},
        {"grant_steps": 100, "withdraw_steps": 100},
        {"grant_steps": 2, "withdraw_steps": 1},
    ],
)
def test_a_notice_that_says_enough_is_taken_as_it_is(change: dict[str, Any]) -> None:
    notice = replace(NOTICE, **change)
    assert check_notice(notice) is notice


def test_what_is_refused_is_named_by_the_beginning_of_its_name_and_with_what_to_do_where_that_can_be_said() -> None:
    with pytest.raises(BadInput) as refused:
        check_notice(replace(NOTICE, name="X" * 70, purposes=()))
    assert refused.value.where == f"notice '{'X' * 64}'"
    assert (refused.value.what, refused.value.mend) == (
        "not a name of a notice",
        "lower-case letters, digits, dots and dashes",
    )
    with pytest.raises(BadInput) as refused:
        check_notice(replace(NOTICE, version=0))
    assert (refused.value.what, refused.value.mend) == ("a notice's version starts at 1", None)


@pytest.mark.parametrize("material", [None, (), ("sales", "analytics")])
def test_what_a_version_changes_in_substance_is_registered_sorted_and_comes_back(trial: Trial, material: Any) -> None:
    with trial() as transaction:
        done = register_notice(transaction, NOTICE, material=material)
        (found,) = read_notices(transaction)
    assert done == found
    assert found.material == (None if material is None else tuple(sorted(material)))
    assert found.at_us == parse_time("2026-03-01T12:00:00Z")


def test_a_notice_that_says_too_little_is_not_registered(trial: Trial) -> None:
    with trial() as transaction:
        with pytest.raises(BadInput, match="no purposes"):
            register_notice(transaction, replace(NOTICE, purposes=()))
        assert read_notices(transaction) == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "First.\n\nYou can withdraw."),
        ("de-AT", "Erstens.\n\nSie können Ihre Einwilligung WIDERRUFEN."),
        ("zh-Hans", "第一。\n\n您可以随时撤回同意。"),
        ("fr", "Un.\n\nVous pouvez retirer votre consentement."),
    ],
)
def test_the_passage_on_withdrawing_is_found_in_many_languages(language: str, text: str) -> None:
    assert find_withdrawal(text, language) == text.split("\n\n")[1]


def test_no_passage_on_withdrawing_is_none_at_all() -> None:
    assert find_withdrawal("We keep everything.", "en") == ""
    assert find_withdrawal("You may withdraw.", "xx") == "", "an unknown language must be pointed at"


def test_the_newest_notice_of_a_purpose_and_the_newest_version_of_a_name_are_found(trial: Trial) -> None:
    with trial() as transaction:
        register_notice(transaction, NOTICE)
        second = register_notice(transaction, replace(NOTICE, version=2))
        other = register_notice(transaction, replace(NOTICE, name="both", purposes=("marketing.sms", "ads")))
        notices = read_notices(transaction)
    assert find_notice(notices, "sms") == second
    assert newest_notice(notices, "marketing.sms") == other
    assert newest_notice(notices, "tests") is None
    for word in ("smS", "", "0000000", "f" * 64):
        with pytest.raises(BadInput):
            find_notice(notices, word)
