"""The audit of the inbox: what waits opens under its subject's key, and was not taken before."""

from __future__ import annotations

import pytest

from imp_consent.audit.verify import Verification
from imp_consent.ledger.inbox import TALLY, seal_event

SEALED = ({"name": "x"}, {TALLY: {}})


def _codes(result: Verification) -> set[str]:
    return {problem.code for problem in result.problems}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"body": b"{}"}, "inbox.closed"),
        ({"body": b""}, "inbox.closed"),
        ({"body": "text"}, "inbox.closed"),
        ({"subject": 1}, "inbox.closed"),
        ({"subject": None}, "inbox.closed"),
        ({"subject": None, "body": seal_event(b"", {TALLY: {}}, secrets=None, nonce=b"")}, "inbox.form"),
    ],
    ids=["plain", "empty", "of another type", "of another subject", "of nobody", "counts under another id"],
)
def test_a_row_put_in_with_its_mac_is_noticed_by_what_it_holds(audited, change, code):
    with audited.log() as log, log.write() as transaction:
        assert transaction.sealed.update("inbox", "event_id = ?", (bytes([7]) * 16,), change) == 1
    assert code in _codes(audited.verify())


def test_an_event_that_waits_and_was_taken_before_is_noticed(audited):
    with audited.log() as log, log.write() as transaction:
        transaction.sealed.insert("dedupe", [(bytes([8]) * 16, 1)])
    assert _codes(audited.verify()) == {"inbox.taken"}
