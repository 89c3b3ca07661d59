"""`imp consent check --explain`, as its reader meets it."""

from __future__ import annotations

from imp_consent.ledger.entry import Statement
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US
from imp_core.event import RawId


def say(shop, type_: str, purpose: str, **more) -> int:
    with open_log(shop).write() as transaction:
        subject = transaction.subject_for(RawId("member", "ann-1"))
        now_us = shop.clock.now_us()
        statement = Statement(type=type_, purpose=purpose, channel=more.pop("channel", ""), at_us=now_us, **more)
        return transaction.append_person(subject, statement, {"recorded_us": now_us})


def test_r28_a_restricted_person_is_explained_in_words_and_as_json(shop, imp_here) -> None:
    say(shop, "grant", "analytics")
    seq = say(shop, "restrict", "*")
    words = ("consent", "check", "member:ann-1", "--purpose", "analytics", "--explain")
    told = imp_here(*words)
    assert told.code == 1
    first, *sentences = told.out.splitlines()
    assert first == f"denied at 2026-03-01T12:00:00Z: restricted (decided by entry {seq})"
    assert told.out.count("GDPR 18") == 1, "the law is named once"
    assert sentences[0].startswith("Asked: may this person's data be used for analytics (\"We count visits")
    assert sentences[2] == (
        f"At 2026-03-01T12:00:00Z the person asked that their data be kept, but not used for anything (entry {seq})."
    )
    assert imp_here(*words, "--json").json["explanation"] == sentences
    assert "explanation" not in imp_here(*words[:-1], "--json").json
    assert "ann-1" not in told.out


def test_what_was_known_at_a_time_is_explained_as_it_stood_then(shop, imp_here, clock) -> None:
    say(shop, "grant", "analytics")
    clock.move_to(clock.now_us() + DAY_US)
    say(shop, "withdraw", "analytics")
    words = ("consent", "check", "member:ann-1", "--purpose", "analytics", "--explain", "--json")
    then = ("--known-at", "2026-03-01T12:00:00Z", "--at", "2026-03-02T12:00:00Z")
    assert imp_here(*words).json["explanation"][1] == "Answer: no (withdrawn)."
    told = imp_here(*words, *then).ok().json["explanation"]
    assert told[0].endswith("at 2026-03-02T12:00:00Z, as the ledger stood at 2026-03-01T12:00:00Z?")
    assert told[1] == "Answer: yes (given)."


def test_r15_a_notice_that_changed_is_named_in_the_explanation(shop, imp_here, clock) -> None:
    say(shop, "grant", "analytics")
    clock.move_to(clock.now_us() + DAY_US)
    with open_log(shop).write() as transaction:
        seq = transaction.append_system("notice", {"name": "n", "material": ["analytics"], "sha256": "0" * 64})
    words = ("consent", "check", "member:ann-1", "--purpose", "analytics", "--explain", "--json")
    found = imp_here(*words).json
    assert (found["reason"], found["entries"][0]) == ("notice_changed", seq)
    assert found["explanation"][2] == f"At 2026-03-02T12:00:00Z the notice was changed in substance (entry {seq})."


def test_r02_a_ledger_that_cannot_be_read_is_explained_too(shop, imp_here) -> None:
    say(shop, "grant", "analytics")
    words = ("consent", "check", "member:ann-1", "--purpose", "analytics", "--explain", "--json")
    with open_log(shop).write() as transaction:
        transaction.sql.execute("UPDATE consent_state SET purpose = 'analytics', reason = 'given', permit = 0")
    found = imp_here(*words)
    assert (found.code, found.json["reason"]) == (1, "ledger_unavailable")
    assert found.json["explanation"][1] == "Answer: no (ledger_unavailable)."


def test_r01_nobody_known_is_explained_without_a_person(shop, imp_here) -> None:
    found = imp_here("consent", "check", "member:nobody", "--purpose", "analytics", "--explain", "--json")
    assert (found.code, len(found.json["explanation"])) == (1, 4)
