"""Events are acknowledged into the inbox past the same gate, once each, sealed under their subject's key."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from imp_consent.ledger.group import GroupCommit
from imp_consent.ledger.inbox import open_event, seal_event
from imp_consent.plane.inbox import LIMIT, accept, accept_in
from imp_consent.plane.remove import request_erasure, resume
from imp_core.clock import SECOND_US
from imp_core.errors import BadInput, LedgerBroken, PluginBroken
from imp_core.event import RawId, RowFault, Signal, SignalKind

NONCE = bytes(range(12))


@pytest.fixture
def secrets(shop):
    shop.give("1")
    with shop.log.read() as reader:
        return reader.subjects.secrets(shop.subject("1"))[0]


def test_an_accepted_event_waits_unreadable_and_is_acknowledged_once(shop):
    shop.give("1")
    event = shop.event("1", "m1", name="ein Klick 点击", campaign="spring")
    done = shop.accept(event, shop.event("9", "m2"))
    assert (done.received, done.accepted, done.denied) == (2, 1, {"no_record": 1})
    again = shop.accept(event, shop.event("1", "m3"))
    assert (again.accepted, again.duplicates) == (1, 1)
    assert shop.inbox() == 2
    assert shop.files() == []
    bodies = b"".join(body for (body,) in shop.table("SELECT body FROM inbox WHERE subject IS NOT NULL"))
    assert "点击".encode() not in bodies
    assert b"spring" not in bodies
    assert shop.verify().ok


def test_what_waits_in_the_inbox_is_a_duplicate_for_a_file_and_the_other_way_round(shop):
    shop.give("1")
    shop.accept(shop.event("1", "m1"))
    assert shop.take(shop.event("1", "m1"), shop.event("1", "m2")).duplicates == 1
    assert shop.accept(shop.event("1", "m2")).duplicates == 1


def test_what_came_into_the_inbox_while_a_file_was_written_is_no_second_row(shop):
    shop.give("1")
    other = shop.other_log()

    real = shop.log.write

    def write():
        if not shop.inbox():
            shop.accept(shop.event("1", "m1"), log=other)
        return real()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shop.log, "write", write)
        done = shop.take(shop.event("1", "m1"), shop.event("1", "m2"))
    other.close()
    assert (done.admitted, done.duplicates, shop.inbox()) == (1, 1, 1)


def test_a_withdrawal_among_the_rows_is_written_and_holds_for_them(shop):
    shop.give("1", "2")
    signal = Signal(
        kind=SignalKind.UNSUBSCRIBE, identifier=RawId("member", "1"), channel="web",
        event_us=shop.now - 60 * SECOND_US, row=2, purpose=None,
    )  # fmt: skip
    done = shop.accept(shop.event("1", "m1"), signal, shop.event("2", "m3"))
    assert (done.signals, done.accepted, sum(done.denied.values())) == (1, 1, 1)
    assert shop.inbox() == 1


def test_exposed_units_are_counted_when_they_are_accepted_and_not_again(shop):
    shop.give("1")
    shop.accept(shop.exposure("1", "m1"), shop.exposure("8", "m2"))
    counts = shop.enrolment()
    assert counts[("banner", 1, "a", "admitted")] == 1
    assert counts[("banner", 1, "a", "no_record")] == 1
    shop.compact()
    shop.take(shop.exposure("1", "m3"))
    assert shop.enrolment() == counts
    assert shop.verify().ok


def test_rows_that_cannot_be_taken_take_all_with_them_unless_they_are_told(shop):
    shop.give("1")
    bad = RowFault(row=2, field="at", problem="not a time")
    before = shop.state()
    with pytest.raises(BadInput, match="row 2, at: not a time"):
        shop.accept(shop.event("1", "m1"), bad)
    assert (shop.state(), shop.inbox()) == (before, 0)
    told: list[RowFault] = []
    done = shop.accept(shop.event("1", "m1"), bad, refuse=told.append)
    assert (done.accepted, done.rejected, told) == (1, 1, [bad])


def test_no_row_too_many_rows_and_a_number_without_place_are_refused(shop):
    shop.give("1")
    with pytest.raises(BadInput, match="no rows"):
        shop.accept()
    with pytest.raises(BadInput, match="too many"):
        shop.accept(*[shop.event(None, "m1")] * (LIMIT + 1))
    with pytest.raises(PluginBroken, match="quantity"):
        shop.accept(shop.event("1", "m1", quantity=2**70))
    assert shop.inbox() == 0


def test_a_dry_run_of_an_acceptance_changes_nothing(shop):
    shop.give("1")
    before = shop.state()
    done = accept(shop.intake(), [shop.event("1", "m1")], terms=shop.terms, name="x", dry_run=True)
    assert (done.dry_run, done.accepted, shop.state(), shop.inbox()) == (True, 1, before, 0)


def test_an_erasure_takes_what_waits(shop, everything_written):
    shop.give("1", "2")
    shop.accept(shop.event("1", "m1"), shop.event("2", "m2"))
    request_erasure(shop.log, [shop.subject("1")], {"recorded_us": shop.now})
    resume(shop.log, shop.workspace)
    assert shop.inbox() == 1
    shop.compact()
    assert [row["subject"] for row in shop.rows()] == [shop.subject("2")]
    assert shop.verify().ok


def test_a_body_has_a_golden_form_and_comes_back(secrets):
    row = {"type": "touchpoint", "event_us": 2**60, "name": "点击"}
    plain = b'{"event_us":1152921504606846976,"name":"\xe7\x82\xb9\xe5\x87\xbb","type":"touchpoint"}'
    assert seal_event(b"e" * 16, row, secrets=None, nonce=NONCE) == plain
    body = seal_event(b"e" * 16, row, secrets=secrets, nonce=NONCE)
    assert body[:12] == NONCE
    assert len(body) == 12 + len(plain) + 16
    assert open_event(b"e" * 16, body, secrets=secrets) == row
    assert open_event(b"e" * 16, plain, secrets=None) == row


@pytest.mark.parametrize("harm", ["another event", "cut", "flipped", "empty", "plain under a key"])
def test_a_body_that_is_not_that_events_does_not_open(secrets, harm):
    body = seal_event(b"e" * 16, {"a": 1}, secrets=secrets, nonce=NONCE)
    harmed = {
        "another event": body,
        "cut": body[:-1],
        "flipped": body[:20] + bytes([body[20] ^ 1]) + body[21:],
        "empty": b"",
        "plain under a key": b'{"a":1}',
    }[harm]
    event_id = b"f" * 16 if harm == "another event" else b"e" * 16
    with pytest.raises(LedgerBroken, match="does not open"):
        open_event(event_id, harmed, secrets=secrets)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"1", b"[" * 100_000])
def test_a_plain_body_that_is_no_row_does_not_open(body):
    with pytest.raises(LedgerBroken, match="does not open"):
        open_event(b"e" * 16, body, secrets=None)


def test_many_threads_are_acknowledged_in_common_transactions_and_only_the_culprit_fails(shop):
    shop.give("1")
    intake = shop.intake()

    def take(at: int) -> str:
        rows = [RowFault(row=1, field="at", problem="not a time")] if at == 7 else [shop.event("1", f"m{at % 20}")]
        try:
            done = group.run(lambda transaction: accept_in(transaction, intake, rows, terms=shop.terms, name="web"))
        except BadInput:
            return "refused"
        return "accepted" if done.accepted else "duplicate"

    with GroupCommit(shop.other_log) as group, ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(take, range(40)))
    # the 8th brings nothing, the 28th the event that it would have brought
    assert answers == {"accepted": 20, "duplicate": 19, "refused": 1}
    assert shop.inbox() == 20
    shop.compact()
    assert len(shop.rows()) == 20
    assert shop.verify().problems == ()
