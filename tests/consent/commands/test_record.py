"""`imp consent record`, `check` and `history`, through the command line and as plain functions."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands.check import check
from imp_consent.commands.history import history
from imp_consent.commands.record import record
from imp_consent.ledger import store
from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.policy.envelope import uuid7
from imp_consent.policy.notice import default_notice
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SECOND_US, SimulatedClock
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

Cli = Any
Size = Callable[[], int]
Entries = Callable[[str], list[PersonEntry]]
ANN = RawId("member", "ann-1")


def test_what_is_recorded_is_what_the_gate_answers(shop: Context, imp_here: Cli) -> None:
    said = imp_here("consent", "record", "member:ann-1", "--purpose", "analytics", "--state", "given", "--json").ok()
    assert said.json == {
        "seq": 2,
        "purpose": "analytics",
        "state": "given",
        "channel": None,
        "at": "2026-03-01T12:00:00Z",
        "until": None,
        "notice": default_notice("Shop Ltd").sha256,
        "bundled": False,
        "covers": [],
        "in_flight": None,
        "still_denied_on": {},
        "shown": {"name": "default", "version": 1, "language": "en", "sha256": default_notice("Shop Ltd").sha256},
        "older_than_notice": False,
        "regimes": ["gdpr", "eprivacy"],
        "jurisdiction": None,
        "law_because": None,
        "returned": False,
        "erasure": None,
        "opens_nothing": None,
        "warnings": [],
    }
    asked = imp_here("consent", "check", "member:ann-1", "--purpose", "analytics", "--json").ok()
    assert asked.json == {
        "permitted": True,
        "reason": "given",
        "source": "GDPR 6(1)(a)",
        "entries": [2],
        "still_denied_on": {},
        "falls_short": [],
        "asked_under": [],
        "permitted_on": [],
    }
    other = imp_here("consent", "check", "member:ann-1", "--purpose", "essential", "--json")
    assert other.code == 1
    assert other.json == {
        "permitted": False,
        "reason": "purpose_not_covered",
        "source": "GDPR 4(11), 5(1)(b), rec. 32, 43; EDPB 05/2020 §§55-61",
        "entries": [],
        "still_denied_on": {},
        "falls_short": [],
        "asked_under": [],
        "permitted_on": [],
    }


def test_the_texts_name_entry_reason_and_source(shop: Context, imp_here: Cli) -> None:
    words = ("consent", "record", "member:ann-1", "--purpose", "analytics")
    given = imp_here(*words, "--state", "given", "--channel", "web", "--valid-for", "30d").ok()
    assert given.out == (
        "entry 2: analytics on web given from 2026-03-01T12:00:00Z until 2026-03-31T12:00:00Z"
        f"; notice shown: default version 1 (en) {default_notice('Shop Ltd').sha256[:16]}…\n"
    )
    imp_here(*words, "--state", "withdrawn").ok()
    asked = imp_here("consent", "check", "member:ann-1", "--purpose", "analytics", "--channel", "web")
    assert asked.code == 1
    assert asked.out == "denied at 2026-03-01T12:00:00Z: withdrawn (decided by entry 3; GDPR 7(3))\n", (
        "the law of the entry"
    )
    nobody = imp_here("consent", "check", "member:bob", "--purpose", "analytics")
    assert (nobody.code, nobody.out.split(" (")[1]) == (
        1,
        "no entry decides; GDPR 6(1), 7(1), 25(2); ePrivacy 5(3))\n",
    )


def test_an_identifier_may_come_from_standard_input_and_is_never_shown(shop: Context, imp_here: Cli) -> None:
    words = ("--purpose", "analytics", "--state", "given")
    answer = imp_here("consent", "record", "-", *words, input="email:ann@example.com\n").ok()
    assert "ann@example.com" not in answer.out + answer.err
    imp_here("consent", "check", "-", "--purpose", "analytics", input="email:Ann@Example.com").ok()
    for bad in ("", "email:a@secret.test\nemail:b@secret.test\n", "no colon", b"\xff\xfe"):
        refused = imp_here("consent", "record", "-", *words, input=bad)
        assert refused.code == 2
        assert "secret.test" not in refused.out + refused.err


def test_r06_the_record_holds_who_when_how_and_what_was_shown(shop: Context, entries: Entries) -> None:
    record(
        shop,
        ANN,
        purpose="analytics",
        state="given",
        channel="web",
        at_us=shop.clock.now_us() - 3 * DAY_US,
        valid_for_days=180,
        action="click",
        evidence="form 7",
    )
    (entry,) = entries("member:ann-1")
    notice = default_notice("Shop Ltd")
    assert entry.statement.plain() == {
        "type": "grant",
        "purpose": "analytics",
        "channel": "web",
        "at": shop.clock.now_us() - 3 * DAY_US,
        "until": shop.clock.now_us() + 177 * DAY_US,
        "notice": notice.sha256,
    }
    body = dict(entry.payload)
    event_id = str(body.pop("event_id"))
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", event_id)
    assert int(event_id.replace("-", "")[:12], 16) == shop.clock.now_us() // 1_000
    source = body.pop("source")
    assert source == {"surface": "command line", "plugin": "imp-consent", "version": "0.1.0"}
    assert body == {
        "event_us": shop.clock.now_us() - 3 * DAY_US,
        "recorded_us": shop.clock.now_us(),
        "type": "grant",
        "controller": "Shop Ltd",
        "regime": "gdpr+eprivacy",
        "regimes": ["gdpr", "eprivacy"],
        "jurisdiction": None,
        "channel": "web",
        "purpose": "analytics",
        "data_categories": ["identifier", "touchpoint", "exposure", "outcome", "trait"],
        "recipients": [],
        "actor": "tester",
        "idempotency_key": event_id,
        "consent_type": "expressed",
        "affirmative_action": "click",
        "bundled": False,
        "notice": {"name": "default", "version": 1, "language": "en", "sha256": notice.sha256},
        "valid_for_days": 180,
        "withdrawal_method": "as the notice says",
        "evidence": "form 7",
    }


def test_a_withdrawal_names_the_grants_it_ends_and_needs_no_notice(shop: Context, entries: Entries) -> None:
    for channel in ("web", "email", None):
        record(shop, ANN, purpose="analytics", state="given", channel=channel)
    record(shop, ANN, purpose="essential", state="given")
    record(shop, ANN, purpose="analytics", state="withdrawn", channel="email")
    record(shop, ANN, purpose="analytics", state="withdrawn")
    one, all_ = entries("member:ann-1")[-2:]
    assert one.payload["supersedes"] == [3]
    assert all_.payload["supersedes"] == [2, 3, 4]
    assert all_.statement.notice is None
    assert "consent_type" not in all_.payload


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"purpose": "anaIytics"}, "unknown purpose"),
        ({"purpose": "*"}, "unknown purpose"),
        ({"state": "yes"}, "unknown state"),
        ({"at_us": 1_772_366_400 * SECOND_US + 1}, "a time to come"),
        ({"at_us": -1}, "before 1970"),
        ({"notice": "nothing"}, "no notice"),
        ({"channel": "E-Mail!"}, "channel"),
        ({"channel": "Web"}, "channel"),
        ({"evidence": "two\nlines"}, "one line"),
        ({"action": "x" * 301}, "one line"),
    ],
)
def test_what_cannot_be_so_is_refused_and_nothing_is_written(
    shop: Context, size: Size, entries: Entries, change: dict[str, Any], problem: str
) -> None:
    with pytest.raises(BadInput, match=problem):
        record(shop, ANN, **{"purpose": "analytics", "state": "given", **change})
    assert size() == 2
    assert entries("member:ann-1") == []


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (("member:1", "--purpose", "nope", "--state", "given"), 2),
        (("member:1", "--purpose", "analytics", "--state", "maybe"), 2),
        (("member:1", "--purpose", "analytics", "--state", "given", "--at", "2026-03-01T12:00:01Z"), 2),
        (("member:1", "--purpose", "analytics", "--state", "given", "--at", "2026-02-01T12:00:00"), 2),
        (("member:1", "--purpose", "analytics", "--state", "given", "--at", "yesterday"), 2),
        (("member:1", "--purpose", "analytics", "--state", "given", "--valid-for", "6 months"), 2),
        (("member:1", "--purpose", "analytics", "--state", "given", "--valid-for", "0d"), 2),
        (("email:secret-address", "--purpose", "analytics", "--state", "given"), 2),
        (("phone:12", "--purpose", "analytics", "--state", "given"), 2),
        (("secret-address@example.com:1", "--purpose", "analytics", "--state", "given"), 2),
        (("secret-address", "--purpose", "analytics", "--state", "given"), 2),
        (("member:1", "--purpose", "analytics"), 2),
    ],
)
def test_bad_words_exit_2_without_repeating_an_identifier(
    shop: Context, imp_here: Cli, size: Size, words: tuple[str, ...], exit_code: int
) -> None:
    answer = imp_here("consent", "record", *words)
    assert answer.code == exit_code
    assert "rror: " in answer.err
    assert "secret-address" not in answer.out + answer.err
    assert size() == 2


@pytest.mark.parametrize("action", ["pre_ticked", "scroll", "silence", "continued_use"])
def test_r03_a_grant_without_an_affirmative_action_is_refused(shop: Context, size: Size, action: str) -> None:
    with pytest.raises(BadInput, match="affirmative action"):
        record(shop, ANN, purpose="analytics", state="given", action=action)
    assert size() == 2
    record(shop, ANN, purpose="analytics", state="refused", action=action)


def test_r04_a_grant_under_a_notice_that_does_not_name_the_purpose_is_refused(
    shop: Context, imp_here: Cli, tmp_path: Path
) -> None:
    imp_here("consent", "purpose", "add", "ads.sms", "--description", "We text you.", "--trait", "none").ok()
    for words in ((), ("--notice", "default")):
        refused = imp_here("consent", "record", "member:1", "--purpose", "ads.sms", "--state", "given", *words)
        assert refused.code == 2
        assert "notice" in refused.err
    imp_here("consent", "record", "member:1", "--purpose", "ads.sms", "--state", "refused").ok()
    imp_here("consent", "record", "member:1", "--purpose", "ads.sms", "--state", "withdrawn").ok()
    (tmp_path / "sms.txt").write_text("Shop Ltd texts you. You may withdraw.", encoding="utf-8")
    imp_here("consent", "notice", "add", str(tmp_path / "sms.txt"), "--name", "sms", "--purpose", "ads.sms").ok()
    imp_here("consent", "record", "member:1", "--purpose", "ads.sms", "--state", "given", "--notice", "sms").ok()


def test_r08_r09_a_withdrawal_closes_from_its_time_on_and_not_before(shop: Context, clock: SimulatedClock) -> None:
    start = clock.now_us()
    record(shop, ANN, purpose="analytics", state="given")
    clock.move_to(start + 10 * DAY_US)
    record(shop, ANN, purpose="analytics", state="withdrawn")
    assert check(shop, ANN, purpose="analytics").reason == "withdrawn"
    assert check(shop, ANN, purpose="analytics", at_us=start + 10 * DAY_US - 1).permitted
    assert check(shop, ANN, purpose="analytics", at_us=start - 1).reason == "no_record"


def test_r59_a_back_dated_entry_does_not_change_what_was_known_before(shop: Context, clock: SimulatedClock) -> None:
    start = clock.now_us()
    record(shop, ANN, purpose="analytics", state="given", at_us=start - 20 * DAY_US)
    clock.move_to(start + 5 * DAY_US)
    record(shop, ANN, purpose="analytics", state="withdrawn", at_us=start - 10 * DAY_US)
    late = {"purpose": "analytics", "at_us": start - DAY_US}
    assert check(shop, ANN, **late).reason == "withdrawn"
    assert check(shop, ANN, **late, known_at_us=start).reason == "given"
    assert check(shop, ANN, **late, known_at_us=start + 5 * DAY_US).reason == "withdrawn"
    assert check(shop, ANN, **late, known_at_us=start - 1).reason == "no_record", "nothing was recorded yet"
    assert check(shop, RawId("member", "bob"), **late, known_at_us=start).reason == "no_record"


def test_r14_a_consent_expires_with_no_writer_having_to_run(shop: Context, imp_here: Cli) -> None:
    words = ("consent", "record", "member:1", "--purpose", "analytics", "--state", "given", "--valid-for", "30d")
    imp_here(*words).ok()
    ask = ("consent", "check", "member:1", "--purpose", "analytics", "--json", "--at")
    assert imp_here(*ask, "2026-03-31T11:59:59.999999Z").ok().json["reason"] == "given"
    assert imp_here(*ask, "2026-03-31T12:00:00Z").json["reason"] == "expired"


def test_checking_writes_nothing(shop: Context, imp_here: Cli, tmp_path: Path, size: Size) -> None:
    record(shop, ANN, purpose="analytics", state="given")
    shop.close()
    database = tmp_path / "workspace" / "ledger.db"
    before = database.read_bytes()
    for who in ("member:ann-1", "member:bob"):
        imp_here("consent", "check", who, "--purpose", "analytics", "--known-at", "2026-03-01T12:00:00Z")
    assert database.read_bytes() == before
    assert size() == 3


def test_a_purpose_nobody_knows_is_a_mistake_and_not_just_a_denial(shop: Context, imp_here: Cli) -> None:
    answer = imp_here("consent", "check", "member:1", "--purpose", "anaIytics", "--json")
    assert answer.code == 2
    assert answer.json["error"]["what"] == "unknown purpose"


def test_r02_a_damaged_ledger_is_a_denial_with_exit_code_1(shop: Context, imp_here: Cli, tmp_path: Path) -> None:
    record(shop, ANN, purpose="analytics", state="given")
    shop.close()
    with sqlite3.connect(tmp_path / "workspace" / "ledger.db") as sql:
        sql.execute("UPDATE consent_state SET reason = 'given', to_us = to_us - 1")
    sql.close()
    answer = imp_here("consent", "check", "member:ann-1", "--purpose", "analytics", "--json")
    assert (answer.code, answer.json["reason"]) == (1, "ledger_unavailable")
    (tmp_path / "workspace" / "ledger.db").unlink()
    gone = imp_here("consent", "check", "member:ann-1", "--purpose", "analytics", "--json")
    assert (gone.code, gone.json["reason"]) == (1, "ledger_unavailable")
    assert "there is no ledger" in gone.err
    assert "imp restore BACKUP" in gone.err
    assert "imp init" not in gone.err
    (tmp_path / "workspace" / "ledger.db").write_text("something else")
    assert "imp restore BACKUP" in imp_here("status").err


def test_a_full_database_asks_for_room(shop: Context, imp_here: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.close()
    monkeypatch.setattr(store, "_PRAGMAS", (*store._PRAGMAS, "PRAGMA max_page_count = 1"))
    lines = "".join(f"member:{number},analytics,given,2026-01-01T00:00:00Z\n" for number in range(500))
    (shop.workspace.root / "many.csv").write_text("identifier,purpose,state,at\n" + lines)
    answer = imp_here("consent", "import", "many.csv", "--json")
    assert answer.code == 3
    assert "full" in answer.json["error"]["what"]
    assert "make room" in answer.json["error"]["mend"]


def test_no_workspace_and_no_keys_are_clear_errors(shop: Context, imp_here: Cli, tmp_path: Path) -> None:
    words = ("consent", "check", "member:1", "--purpose", "analytics")
    assert imp_here(*words, IMP_HOME=str(tmp_path / "nowhere")).code == 2
    missing = imp_here(*words, IMP_KEYS=str(tmp_path / "nowhere"))
    assert (missing.code, "there are no keys" in missing.err) == (3, True)
    next((tmp_path / "keys").glob("row-*")).chmod(0o644)
    loose = imp_here(*words)
    assert (loose.code, "can be read by other users" in loose.err) == (3, True)


def test_r32_history_shows_every_entry_in_order_and_notes_that_it_was_asked_for(
    shop: Context, imp_here: Cli, system: Callable[[str], list[dict[str, Any]]]
) -> None:
    record(shop, ANN, purpose="analytics", state="given", channel="web", valid_for_days=1)
    record(shop, RawId("member", "bob"), purpose="essential", state="given")
    record(shop, ANN, purpose="analytics", state="withdrawn")
    found = imp_here("consent", "history", "member:ann-1", "--json").ok().json
    assert found["access_request"] == 5
    assert [(e["seq"], e["type"], e["channel"], e["until"]) for e in found["entries"]] == [
        (2, "grant", "web", "2026-03-02T12:00:00Z"),
        (4, "withdraw", None, None),
    ]
    assert found["entries"][0]["envelope"]["actor"] == "tester"
    text = imp_here("consent", "history", "member:ann-1").ok().out
    assert text.splitlines()[1].split() == [
        "4", "2026-03-01T12:00:00Z", "withdraw:", "analytics", "(recorded", "by", "tester)"
    ]  # fmt: skip
    assert system("access-request") == [{"scope": "consent"}] * 2, "nothing about whose"


def test_history_of_nobody_is_empty_and_a_bad_identifier_leaves_no_mark(
    shop: Context, imp_here: Cli, size: Size
) -> None:
    assert history(shop, RawId("member", "nobody")).entries == ()
    nobody = imp_here("consent", "history", "member:nobody")
    assert (nobody.code, "the ledger holds nothing of this person: nobody is known" in nobody.out) == (1, True)
    assert size() == 4
    with pytest.raises(BadInput):
        history(shop, RawId("email", "nobody"))
    assert size() == 4


def test_event_ids_are_uuids_of_version_7_in_the_order_of_time() -> None:
    assert uuid7(1_645_557_742_000_000, bytes.fromhex("ffffffffffffffffffff")) == "017f22e2-79b0-7fff-bfff-ffffffffffff"
    assert uuid7(1_645_557_742_000_000, bytes(10)) == "017f22e2-79b0-7000-8000-000000000000"
    assert uuid7(1_000, b"\xff" * 10) < uuid7(2_000, b"\x00" * 10)


def test_a_channel_is_asked_about_by_its_name(shop: Context, imp_here: Cli) -> None:
    imp_here("consent", "record", "member:1", "--purpose", "analytics", "--state", "given", "--channel", "web").ok()
    ask = ("consent", "check", "member:1", "--purpose", "analytics")
    assert imp_here(*ask, "--channel", "web").code == 0
    assert imp_here(*ask, "--channel", "email").code == 1
    assert imp_here(*ask).code == 1, "a use without a channel is decided by words without one"


def test_every_command_of_the_group_loads_and_shows_an_example(shop: Context, imp_here: Cli) -> None:
    named = r"^  ([\w-]+) {2,}\w"
    listed = re.findall(named, imp_here("consent", "--help").ok().out, re.MULTILINE)
    assert {"basis", "check", "guardian", "import", "may-ask", "minor", "notice", "purpose", "record"} <= set(listed)
    for name in listed:
        shown = imp_here("consent", name, "--help").ok().out
        inner = re.findall(named, shown.partition("Commands:")[2], re.MULTILINE)
        for words in [[name, one] for one in inner] or [[name]]:
            shown = imp_here("consent", *words, "--help").ok().out
            assert "Example" in shown, words
            assert "imp consent" in shown.partition("Example")[2], words
    assert imp_here("consent", "nothing").code == 2


def test_a_yes_without_a_channel_says_on_which_channels_a_no_still_stands(
    shop: Context, clock: SimulatedClock, imp_here: Cli
) -> None:
    about = ("--purpose", "marketing.email")
    record_ = ("consent", "record", "member:1", *about, "--state")
    for word in ("member:1", "member:2"):
        imp_here("consent", "record", word, *about, "--state", "given").ok()
    imp_here(*record_, "withdrawn", "--channel", "email").ok()
    imp_here(*record_, "refused", "--channel", "sms").ok()
    imp_here(*record_, "given", "--channel", "web").ok()
    clock.move_to(clock.now_us() + DAY_US)
    hint = (
        "still opted out on the channel email: only a later yes of the person for email would change it\n"
        "still opted out on the channel sms: only a later yes of the person for sms would change it\n"
    )
    check_ = ("consent", "check", "member:1", *about)
    assert imp_here(*record_, "given").ok().out.endswith(f"\n{hint}")
    assert imp_here(*record_, "given", "--json").ok().json["still_denied_on"] == {
        "email": "channel_opt_out",
        "sms": "channel_opt_out",
    }
    assert imp_here(*check_).ok().out.endswith(f"\n{hint}")
    assert imp_here(*check_, "--json").ok().json["still_denied_on"] == {
        "email": "channel_opt_out",
        "sms": "channel_opt_out",
    }
    assert imp_here(*check_, "--channel", "email").code == 1
    assert "still" not in imp_here("consent", "check", "member:2", *about).ok().out, "another person"
    before = imp_here(*check_, "--known-at", "2026-03-01T11:59:59Z", "--json")
    assert (before.code, before.json["still_denied_on"]) == (1, {})
    assert imp_here(*record_, "given", "--channel", "email", "--json").ok().json["still_denied_on"] == {}
    assert imp_here(*check_, "--json").ok().json["still_denied_on"] == {"sms": "channel_opt_out"}
    imp_here(*record_, "withdrawn").ok()
    denied = imp_here(*check_)
    assert (denied.code, "still" in denied.out) == (1, False)


def test_after_a_bounce_a_yes_without_a_channel_names_its_channel(shop: Context, imp_here: Cli) -> None:
    with open_log(shop).write() as transaction:
        subject = transaction.subject_for(RawId("member", "1"))
        bounced = Statement(type="withdraw", purpose="*", channel="email", at_us=shop.clock.now_us() - DAY_US)
        transaction.append_person(subject, bounced, {})
    words = ("consent", "record", "member:1", "--purpose", "analytics", "--state", "given", "--json")
    assert imp_here(*words).ok().json["still_denied_on"] == {"email": "channel_opt_out"}
