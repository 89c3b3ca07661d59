"""Messages whose rows are sealed as they should be, and still say other than their entries: whoever holds the keys."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from imp_consent.ledger.delivery import Outcome, conclude, find_outcomes, intend, intended_keys, open_intents
from imp_core.errors import LedgerBroken

Audited = Any  # the conftest's class: test folders are no packages
KEYS = [bytes([number]) * 16 for number in range(2)]  # those of the workspace's own send
NEW = [bytes([number]) * 16 for number in (17, 18)]
DOCUMENT = b'{"name":"summer"}'
FIELDS = {"channel": "email", "definition": hashlib.sha256(DOCUMENT).hexdigest()}


def test_a_send_that_was_killed_is_noted_and_no_problem(audited: Audited) -> None:
    with audited.log() as log, log.write() as transaction:
        intend(transaction, NEW, FIELDS, document=DOCUMENT)
    result = audited.verify()
    assert (result.ok, [note.code for note in result.notes][-1:]) == (True, ["send.open"])


@pytest.mark.parametrize(
    ("table_row", "code"),
    [
        ((b"\x09" * 16, "accepted", None), "send.keys"),
        (None, "send.keys"),
    ],
)
def test_messages_added_or_taken_away_are_found(audited: Audited, table_row: Any, code: str) -> None:
    with audited.log() as log, log.write() as transaction:
        (intent,) = {row[1] for row in transaction.sealed.select("delivery")}
        if table_row is None:
            transaction.sealed.delete("delivery", "key = ?", (KEYS[0],))
        else:
            transaction.sealed.insert("delivery", [(table_row[0], intent, *table_row[1:])])
    assert code in audited.codes()


def test_another_outcome_than_the_close_says_is_found(audited: Audited) -> None:
    with audited.log() as log, log.write() as transaction:
        transaction.sealed.update("delivery", "key = ?", (KEYS[1],), {"status": "refused"})
    assert audited.codes() == {"send.results", "send.counts"}


def test_somebody_sent_to_again_after_a_yes_is_found(audited: Audited) -> None:
    with audited.log() as log, log.write() as transaction:
        intend(transaction, KEYS[1:], FIELDS, document=DOCUMENT)
    assert audited.codes() == set(), "in doubt before: it may be sent to again"
    with audited.log() as log, log.write() as transaction:
        intend(transaction, KEYS[:1], FIELDS, document=DOCUMENT)
    assert audited.codes() == {"send.twice"}


def test_a_status_of_no_known_name_and_a_close_of_another_channel_are_found(audited: Audited) -> None:
    with audited.log() as log, log.write() as transaction:
        intent = intend(transaction, [b"\x07" * 16], FIELDS, document=DOCUMENT)
        conclude(transaction, intent, {b"\x07" * 16: Outcome("read")}, channel="email", recovered=False)
        intent = intend(transaction, [b"\x08" * 16], FIELDS, document=DOCUMENT)
        conclude(transaction, intent, {b"\x08" * 16: Outcome("accepted")}, channel="sms", recovered=False)
    assert [problem.code for problem in audited.verify().problems] == ["send.counts", "send.counts"]


def test_outcomes_without_a_close_are_found(audited: Audited) -> None:
    with audited.log() as log, log.write() as transaction:
        intent = intend(transaction, NEW, FIELDS, document=DOCUMENT)
        transaction.sealed.update("delivery", "intent = ?", (intent,), {"status": "accepted"})
    assert audited.codes() == {"send.results"}


def test_messages_of_no_intent_and_an_intent_without_messages_are_found(audited: Audited) -> None:
    with audited.log() as log, log.write() as transaction:
        transaction.sealed.delete("delivery", "1", ())
        transaction.sealed.insert("delivery", [(KEYS[0], 3, "intended", None)])
    assert audited.codes() == {"send.unnamed", "send.missing"}


def test_a_second_close_and_a_close_of_nothing_are_found(audited: Audited) -> None:
    with audited.log() as log, log.write() as transaction:
        (intent,) = {row[1] for row in transaction.sealed.select("delivery")}
        transaction.append_system("send-close", {"intent": intent, "results": "x"})
        transaction.append_system("send-close", {"intent": 3, "results": "x"})
    assert [problem.code for problem in audited.verify().problems] == ["send.closed", "send.closed"]


def test_a_close_names_every_message_of_its_intent_and_no_other(audited: Audited) -> None:
    with audited.log() as log, log.write() as transaction:
        intent = intend(transaction, NEW, FIELDS, document=DOCUMENT)
        with pytest.raises(LedgerBroken, match="other messages"):
            conclude(transaction, intent, {NEW[0]: Outcome("accepted")}, channel="email", recovered=False)
        assert (open_intents(transaction), sorted(intended_keys(transaction, intent))) == ([intent], NEW)
        results = {NEW[0]: Outcome("accepted", "2.0.0"), NEW[1]: Outcome("deferred")}
        conclude(transaction, intent, results, channel="email", recovered=False)
        assert open_intents(transaction) == []
        assert find_outcomes(transaction, [*NEW, b"\x09" * 16]) == results, "the newest attempt is what counts"
    assert audited.codes() == set()
