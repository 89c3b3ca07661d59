"""Requests as they are noted: their clocks, whose they are, and the erasure that a law opens by itself."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.door import Door
from imp_consent.policy.regime import packaged
from imp_consent.policy.requested import Noted, note_request, open_erase_task, requester
from imp_consent.policy.saying import Saying
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US
from imp_core.context import Context
from tests.consent.law.at_the_door import PLAIN, entries, say, words

CHINESE = ("cn-pipl",)


def note(
    shop: Context, transaction: Transaction, subject: int | None, *regimes: str, kind: str = "access", **more: Any
) -> Noted:
    said = words(shop, "request", "*", more={"words": "please"})
    append = more.pop("append", lambda *_: None)
    rules = packaged().rules(regimes or ("gdpr",))
    return note_request(shop, transaction, append, subject, rules=rules, said=said, kind=kind, **more)


@pytest.mark.parametrize(
    ("regime", "due", "latest"), [("us-ca", 45, 90), ("cn-pipl", 19, None), ("eprivacy", None, None)]
)
def test_a_request_runs_by_the_clock_of_its_law_and_by_none_where_there_is_none(
    shop: Context, regime: str, due: int | None, latest: int | None
) -> None:
    with open_log(shop).write() as transaction:
        noted = note(shop, transaction, None, regime)
        now_us = shop.clock.now_us()
        assert [noted.due_us, noted.latest_us] == [
            None if days is None else now_us + days * DAY_US for days in (due, latest)
        ]
        (entry,) = transaction.system_entries("request")
    assert entry.seq == noted.seq
    assert entry.fields == {
        "id": noted.id, "kind": "access", "regime": [regime], "received": now_us, "due": noted.due_us,
        "latest": noted.latest_us, "verified": "none",
    }  # fmt: skip


def test_the_persons_own_words_name_the_request_and_the_open_entry_the_task_alone(shop: Context) -> None:
    said: list[tuple[int, Saying]] = []
    with open_log(shop).write() as transaction:
        noted = note(shop, transaction, 7, append=lambda *own: said.append(own), task="withdrawal", verified="contact")
        nobody = note(shop, transaction, None, append=lambda *own: said.append(own))
        named, unnamed = transaction.system_entries("request")
    ((subject, own),) = said
    assert (subject, own.more) == (
        7, {"words": "please", "request": noted.id, "kind": "access", "verified": "contact", "task": "withdrawal"}
    )  # fmt: skip
    assert (named.fields["task"], "task" in unnamed.fields) == ("withdrawal", False)
    assert noted.id != nobody.id


def test_a_request_is_that_of_whom_the_entry_right_before_it_says(shop: Context) -> None:
    subject = say(shop, "grant").subject
    with open_log(shop).write() as transaction:
        nobodys = note(shop, transaction, None)
        theirs = note(shop, transaction, subject, append=_door(shop, transaction))
    say(shop, "withdraw", who=PLAIN)
    with open_log(shop).read() as reader:
        assert requester(reader, theirs.seq, theirs.id) == subject
        assert requester(reader, theirs.seq, nobodys.id) is None
        assert requester(reader, nobodys.seq, nobodys.id) is None, "though an entry of somebody's stands before it"
        assert requester(reader, theirs.seq - 1, theirs.id) is None
        assert requester(reader, theirs.seq + 2, theirs.id) is None


def _door(shop: Context, transaction: Transaction) -> Any:
    return Door(shop, transaction, surface="test").append


def task(shop: Context, subject: int, *regimes: str, occasion: str = "purpose-achieved") -> Noted | None:
    with open_log(shop).write() as transaction:
        append, rules = _door(shop, transaction), packaged().rules(regimes or CHINESE)
        return open_erase_task(shop, transaction, append, subject, rules=rules, occasion=occasion)


def test_an_erasure_opens_where_the_law_wants_one_on_that_occasion_and_none_is_open(shop: Context) -> None:
    subject = say(shop, "grant").subject
    assert task(shop, subject, "gdpr") is None
    assert task(shop, subject, occasion="birthday") is None
    opened = task(shop, subject)
    assert opened is not None
    own = entries(shop)[-1]
    assert (own.payload["request"], own.payload["kind"], own.payload["task"]) == (
        opened.id,
        "erase",
        "purpose-achieved",
    )
    assert own.payload["regimes"] == ["cn-pipl"]
    assert task(shop, subject) is None


@pytest.mark.parametrize(("outcome", "again"), [("extended", False), ("answered", True), ("refused", True)])
def test_another_opens_once_the_first_was_answered_and_not_where_it_was_put_off(
    shop: Context, outcome: str, again: bool
) -> None:
    subject = say(shop, "grant").subject
    first = task(shop, subject)
    assert first is not None
    with open_log(shop).write() as transaction:
        transaction.append_system("answer", {"request": first.id, "outcome": outcome})
    assert (task(shop, subject) is not None) is again


def test_a_request_of_another_kind_is_no_erasure(shop: Context) -> None:
    subject = say(shop, "grant").subject
    with open_log(shop).write() as transaction:
        note(shop, transaction, subject, append=_door(shop, transaction))
    assert task(shop, subject) is not None
