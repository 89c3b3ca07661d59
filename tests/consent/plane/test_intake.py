"""What comes in, what does not, and what is kept of either."""

from __future__ import annotations

import hashlib
import json

import pytest

from imp_consent.gate import decide_in
from imp_consent.plane import archive
from imp_core.clock import DAY_US
from imp_core.event import EventType, RawId, Signal, SignalKind
from imp_core.gate import Action, Use


def test_without_any_consent_nothing_comes_in_and_nobody_is_created(shop):
    result = shop.take(shop.event("1", "m1"), shop.event("2", "m2"))
    assert (result.received, result.admitted, result.denied) == (2, 0, {"no_record": 2})
    assert shop.rows() == []
    for name in ("identifier", "subject_key", "payload", "consent_state", "dedupe", "suppression"):
        assert shop.table(f"SELECT count(*) FROM {name}") == [(0,)]


def test_a_permitted_event_comes_in_as_it_was_with_why_it_may_be_here(shop):
    shop.give("1", days_ago=30)
    (consent_seq,) = shop.table("SELECT seq FROM payload")[0]
    size = shop.log.size
    event = shop.event(
        "1", "m1", type=EventType.OUTCOME, name="order", campaign="spring", content="hero@3", place="Lyon",
        amount_micros=12_500_000, currency="EUR", quantity=2, provenance="observed", stratum="new", cluster="north",
    )  # fmt: skip
    result = shop.take(event)
    (row,) = shop.rows()
    assert {name: value for name, value in row.items() if value is not None} == {
        "event_id": row["event_id"], "batch": 1, "row": 0, "type": "outcome", "subject": shop.subject("1"),
        "event_us": event.event_us, "received_us": shop.now, "intake_seq": size, "purpose": "analytics",
        "basis_seq": consent_seq, "channel": "web", "name": "order", "campaign": "spring", "content": "hero@3",
        "place": "Lyon", "amount_micros": 12_500_000, "currency": "EUR", "quantity": 2, "provenance": "observed",
        "stratum": "new", "cluster": row["cluster"],
    }  # fmt: skip
    assert (result.batch, result.seq, result.n) == (1, size, 1)


def test_every_row_passes_the_gate_at_its_event_time_as_known_at_its_intake(shop):
    shop.give("1", "2", days_ago=10)
    shop.give("3", days_ago=10, channel="web")
    shop.take(*(shop.event(str(i % 5), f"m{i}", days_ago=i) for i in range(1, 20)))
    rows = shop.rows()
    assert rows
    with shop.log.read() as reader:
        for row in rows:
            use = Use(purpose=row["purpose"], action=Action.COLLECT, subject=row["subject"], channel=row["channel"])
            found = decide_in(reader, use, at_us=row["event_us"], known_at=row["intake_seq"])
            assert found.permitted
            assert row["basis_seq"] in found.entries


def test_an_event_is_asked_about_at_its_time_and_now(shop):
    shop.give("before", "later", "gone", days_ago=10)
    shop.say("gone", "withdraw", at=shop.now - DAY_US)
    result = shop.take(
        shop.event("before", "m1", days_ago=20),
        shop.event("later", "m2", days_ago=5),
        shop.event("gone", "m3", days_ago=5),
    )
    assert result.denied == {"no_record": 1, "withdrawn": 1}
    assert [row["subject"] for row in shop.rows()] == [shop.subject("later")]


def test_consent_is_asked_for_the_events_channel_else_the_plugins_own(shop):
    shop.give("1", channel="email")
    assert shop.take(shop.event("1", "m1")).denied == {"no_record": 1}
    assert shop.take(shop.event("1", "m2", channel="email")).admitted == 1
    assert [row["channel"] for row in shop.rows()] == ["email"]


def test_the_collect_entry_says_what_was_taken_and_what_was_not(shop):
    shop.give("1")
    shop.give("1", purpose="experimentation")
    policy = shop.table("SELECT seq FROM entry ORDER BY seq LIMIT 1")[0][0]
    size = shop.log.size
    source = hashlib.sha256(b"the file").hexdigest()
    result = shop.take(
        shop.event("1", "m1"), shop.exposure("1", "m2", purpose="experimentation"), shop.event("9", "m3"), sha256=source
    )
    (file,) = shop.batches()
    (collect,) = shop.entries("collect")
    assert collect == {
        "batch": 1, "n": 2, "root": None, "sha256": file.sha256, "source": source, "policy": policy, "channel": "web",
        "purposes": ["analytics", "experimentation"], "known": size, "denied": {"no_record": 1}, "duplicates": 0,
        "rejected": 0, "signals": 0,
    }  # fmt: skip
    assert (file.n, file.version, file.state, file.source_sha256) == (2, 0, "live", source)
    assert file.collect_seq == result.seq == size
    assert archive.checked_path(shop.workspace, file).is_file()


def test_a_source_that_was_taken_is_not_taken_again_and_says_so(shop):
    shop.give("1")
    source = hashlib.sha256(b"the file").hexdigest()
    first = shop.take(shop.event("1", "m1"), sha256=source)
    before = shop.state()
    again = shop.take(shop.event("1", "m2"), sha256=source)
    assert (again.already, again.batch, again.seq, again.admitted) == (True, first.batch, first.seq, 0)
    assert shop.state() == before


def test_a_source_of_which_everything_was_denied_counts_as_taken(shop):
    source = hashlib.sha256(b"the file").hexdigest()
    shop.take(shop.exposure("1", "m1"), sha256=source)
    assert shop.take(shop.exposure("1", "m1"), sha256=source).already
    assert shop.enrolment() == {("banner", 1, "a", "no_record"): 1, ("banner", 1, "", "no_record_files"): 1}


def test_an_event_comes_in_once_whatever_file_brings_it(shop):
    shop.give("1")
    shop.take(shop.event("1", "m1"), shop.event("1", "m2"))
    result = shop.take(shop.event("1", "m2"), shop.event("1", "m3"), shop.event("1", "m2", channel="email"))
    assert (result.received, result.admitted, result.duplicates) == (3, 2, 1)
    assert len(shop.rows()) == 4
    assert shop.table("SELECT batch, count(*) FROM dedupe GROUP BY batch") == [(1, 2), (2, 2)]


def test_message_session_order_unit_and_cluster_ids_are_kept_as_keyed_hashes_only(shop, everything_written):
    shop.give("1")
    words = {"session": "sess-4711-ann", "ref": "order-4712-ann", "unit": "house-4713-ann", "unit_kind": "household"}
    words["cluster"] = "street-4717-ann"
    shop.take(
        shop.exposure("1", "msg-4714-ann", **words),
        shop.exposure("1", "msg-4715-ann", **{**words, "ref": None}),
        shop.event("1", "msg-4716-ann", ref="order-4712-ann", session="sess-4711-ann", channel="email"),
    )
    first, second, third = shop.rows()
    assert first["session"] == second["session"] != third["session"]
    assert first["ref"] == third["ref"]
    assert first["unit"] == second["unit"]
    assert first["cluster"] == second["cluster"]
    assert all(len(bytes.fromhex(first[name])) == 16 for name in ("event_id", "session", "ref", "unit", "cluster"))
    written = everything_written()
    for words_of_ann in (
        b"sess-4711",
        b"order-4712",
        b"house-4713",
        b"msg-4714",
        b"msg-4715",
        b"msg-4716",
        b"street-4717",
    ):
        assert words_of_ann not in written


def test_a_unit_that_is_the_subject_needs_no_id_of_its_own(shop, everything_written):
    shop.give("1")
    shop.take(shop.exposure("1", "m1", unit_kind="subject", unit="ann@example.com"), shop.exposure("1", "m2"))
    assert [(row["unit_kind"], row["unit"], row["phase"]) for row in shop.rows()] == [("subject", None, 1)] * 2
    assert b"ann@" not in everything_written()


def test_only_allow_listed_properties_are_kept_and_the_others_are_counted(shop):
    shop.give("1")
    props = {"device": "phone", "first name": "Ann", "screens": 2}
    assert shop.take(shop.event("1", "m1", props=props)).props_dropped == 3
    result = shop.take(shop.event("1", "m2", props=props), terms={"props": frozenset({"device", "screens", "absent"})})
    assert result.props_dropped == 1
    assert [row["props"] and json.loads(row["props"]) for row in shop.rows()] == [
        None,
        {"device": "phone", "screens": 2},
    ]


def test_a_touchpoint_without_a_person_is_nobodys_and_may_come_in(shop):
    result = shop.take(shop.event(None, "m1", place="Lyon"))
    assert (result.admitted, result.denied) == (1, {})
    (row,) = shop.rows()
    policy = shop.table("SELECT min(seq) FROM entry")[0][0]
    assert (row["subject"], row["place"], row["basis_seq"]) == (None, "Lyon", policy)


def test_a_batch_after_another_has_the_next_number_and_a_file_of_its_own(shop):
    shop.give("1")
    shop.take(shop.event("1", "m1"))
    shop.take(shop.event("1", "m2"))
    assert [(file.batch, file.path[:21]) for file in shop.batches()] == [
        (1, "archive/b00000001-v0-"),
        (2, "archive/b00000002-v0-"),
    ]
    assert [(row["batch"], row["row"]) for row in shop.rows()] == [(1, 0), (2, 0)]


def test_a_dry_run_asks_everything_and_changes_nothing(shop):
    shop.give("1")
    before = shop.state()
    result = shop.take(shop.event("1", "m1"), shop.event("9", "m2"), _signal("1", shop.now), dry_run=True)
    assert (result.dry_run, result.admitted, result.denied, result.batch, result.seq) == (
        True, 1, {"no_record": 1}, None, None,
    )  # fmt: skip
    assert result.signals == 1
    assert shop.state() == before


def test_enough_rows_for_several_chunks_become_one_file_of_several_row_groups(shop):
    shop.give(*(str(i) for i in range(50)))
    result = shop.take_all(shop.event(str(i % 60), f"m{i}") for i in range(45_000))
    assert result.received == 45_000
    assert result.admitted == sum(1 for i in range(45_000) if i % 60 < 50)
    assert [file.n for file in shop.batches()] == [result.admitted]
    assert [row["row"] for row in shop.rows()] == list(range(result.admitted))


def _signal(member: str, at: int, **fields):
    given = {"kind": SignalKind.UNSUBSCRIBE, "channel": "email", "purpose": "marketing.email", **fields}
    return Signal(identifier=RawId("member", member), event_us=at, **given)


def test_a_signal_withdraws_for_its_purpose_and_channel(shop):
    shop.give("1", purpose="marketing.email")
    result = shop.take(_signal("1", shop.now - 1))
    assert (result.signals, result.received, result.batch) == (1, 0, 1)
    subject = shop.subject("1")
    with shop.log.read() as reader:
        said = reader.history(subject)[-1]
        assert said.statement.type == "withdraw"
        assert said.payload["signal"] == "unsubscribe"

        def open_now(channel: str) -> bool:
            use = Use(purpose="marketing.email", action=Action.ACTIVATE, subject=subject, channel=channel)
            return decide_in(reader, use, at_us=shop.now).permitted

        assert (open_now("email"), open_now("sms")) == (False, True)
    assert shop.entries("collect")[0]["signals"] == 1


def test_a_signal_without_a_purpose_withdraws_for_all(shop):
    shop.give("1", purpose="marketing.email")
    shop.give("1", purpose="analytics")
    shop.take(_signal("1", shop.now - 1, purpose=None, channel="web", kind=SignalKind.STOP))
    denied = shop.take(shop.event("1", "m1"), shop.event("1", "m2", purpose="marketing.email")).denied
    assert denied == {"channel_opt_out": 2}


def test_a_signal_of_somebody_unknown_is_counted_and_creates_nobody(shop):
    result = shop.take(_signal("9", shop.now))
    assert (result.signals, result.signals_unknown) == (0, 1)
    assert shop.table("SELECT count(*) FROM identifier") == [(0,)]


def test_an_unsubscription_in_the_same_file_keeps_that_persons_events_out(shop):
    shop.give("1", "2", purpose="marketing.email")
    rows = [
        shop.event("1", "m1", purpose="marketing.email", channel="email"),
        shop.event("2", "m2", purpose="marketing.email", channel="email"),
        _signal("1", shop.now - DAY_US // 2),
    ]
    result = shop.take(*rows)
    assert (result.admitted, result.denied, result.signals) == (1, {"channel_opt_out": 1}, 1)
    assert [(row["subject"], row["row"]) for row in shop.rows()] == [(shop.subject("2"), 0)]
    assert len(shop.batches()) == len(shop.files()) == 1


@pytest.mark.parametrize("purpose", ["analytics", None])
def test_a_signal_can_never_grant(shop, purpose):
    shop.say("1", "refuse", at=shop.now - DAY_US)
    shop.take(_signal("1", shop.now, purpose=purpose, channel="web"))
    assert shop.take(shop.event("1", "m1", days_ago=0)).admitted == 0
