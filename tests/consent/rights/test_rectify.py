"""`imp consent rectify`: what was wrong stays in history, superseded, and no gate reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from imp_consent.audit.verify import Verification
from imp_consent.ledger.entry import Statement
from imp_consent.policy.declared import DeclaredPurpose, Recipient
from imp_consent.policy.purpose import read_purposes, register_purposes
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SimulatedClock
from imp_core.context import Context
from imp_core.event import RawId

Line = Any
WHO = "email:ann@example.com"
VERIFIED = ("--verified", "reasonable", "--how", "showed the form")
PROOF = ("--evidence", "form 12")


def asked(shop: Line, *words: str) -> str:
    return str(shop("consent", "check", WHO, "--purpose", "analytics", "--json", *words).json["reason"])


def wrong(shop: Line) -> int:
    """The number of Ann's consent."""
    return int(shop("consent", "history", WHO, "--json").ok().json["entries"][0]["seq"])


def test_r35_the_old_value_stays_in_history_as_superseded_and_no_gate_reads_it(
    shop: Line, clock: SimulatedClock, tmp_path: Path, verified: Callable[[], Verification]
) -> None:
    seq = wrong(shop)
    earlier = "2026-03-01T12:00:00Z"
    clock.move_to(clock.now_us() + DAY_US)
    done = shop("consent", "rectify", WHO, "--entry", str(seq), "--json", *VERIFIED).ok().json
    assert (done["corrects"], done["replaced_by"]) == (seq, None)
    assert asked(shop) == "no_record"
    assert asked(shop, "--at", "2026-02-10T00:00:00Z") == "no_record", "it never was so"
    assert asked(shop, "--at", "2026-02-10T00:00:00Z", "--known-at", earlier) == "given", "but so it was known"
    shop("consent", "access", WHO, "--out", tmp_path / "ann", "--language", "en", *VERIFIED).ok()
    entries = json.loads((tmp_path / "ann" / "access.json").read_bytes())["entries"]
    assert {entry["seq"]: entry["superseded_by"] for entry in entries if entry["type"] == "grant"} == {seq: done["seq"]}
    page = (tmp_path / "ann" / "access.html").read_text(encoding="utf-8")
    assert f'(corrected by entry <bdi dir="auto">{done["seq"]}</bdi>)' in page
    verified()


def test_r35_what_is_right_takes_its_place(shop: Line, context: Context) -> None:
    seq = wrong(shop)
    done = shop(
        "consent", "rectify", WHO, "--entry", str(seq), "--at", "2026-01-05T00:00:00Z", "--json", *VERIFIED, *PROOF
    ).ok().json  # fmt: skip
    assert asked(shop) == "given"
    assert asked(shop, "--at", "2026-01-06T00:00:00Z") == "given"
    assert asked(shop, "--at", "2026-01-04T00:00:00Z") == "no_record"
    with open_log(context).read() as reader:
        subject = reader.find_subject(RawId.parse(WHO))
        assert subject is not None
        new = next(entry for entry in reader.history(subject) if entry.seq == done["replaced_by"])
        old = next(entry for entry in reader.history(subject) if entry.seq == seq)
    assert new.payload["corrects"] == seq
    assert (new.payload["evidence"], new.statement.notice) == (old.payload["evidence"], old.statement.notice)


def test_r35_a_no_is_never_corrected_away(shop: Line) -> None:
    shop("consent", "record", WHO, "--purpose", "analytics", "--state", "withdrawn").ok()
    last = shop("consent", "history", WHO, "--json").ok().json["entries"][-1]
    answer = shop("consent", "rectify", WHO, "--entry", str(last["seq"]), *VERIFIED)
    assert (answer.code, "never a no" in answer.err) == (1, True)
    assert asked(shop) == "withdrawn"


def test_r35_a_correction_never_outweighs_a_no_that_came_after(shop: Line, clock: SimulatedClock) -> None:
    seq = wrong(shop)
    rectify = ("consent", "rectify", WHO, "--entry", str(seq), *VERIFIED)
    shop("consent", "record", WHO, "--purpose", "analytics", "--state", "withdrawn").ok()
    clock.move_to(clock.now_us() + DAY_US)
    for at in ("2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z"):
        answer = shop(*rectify, "--at", at)
        assert (answer.code, "--at" in answer.err) == (1, True), at
    assert asked(shop) == "withdrawn"
    shop(*rectify, "--at", "2026-01-20T00:00:00Z", *PROOF).ok()
    assert asked(shop) == "withdrawn"


def test_r35_a_no_of_before_the_recording_is_not_outweighed_either(shop: Line, clock: SimulatedClock) -> None:
    give = ("consent", "record", WHO, "--purpose", "marketing.email", "--state")
    shop(*give, "withdrawn", "--at", "2026-02-10T00:00:00Z").ok()
    late = int(shop(*give, "given", "--at", "2026-02-05T00:00:00Z", "--json").ok().json["seq"])
    rectify = ("consent", "rectify", WHO, "--entry", str(late), *VERIFIED)
    for at in ("2026-02-10T00:00:00Z", "2026-02-11T00:00:00Z"):
        answer = shop(*rectify, "--at", at)
        assert (answer.code, "outweighs no later no" in answer.err) == (1, True), at
    shop(*rectify, "--at", "2026-02-06T00:00:00Z", *PROOF).ok()
    assert shop("consent", "check", WHO, "--purpose", "marketing.email", "--json").json["reason"] == "withdrawn"


def test_r35_what_takes_the_place_of_an_entry_was_said_before_it_was_recorded(shop: Line) -> None:
    rectify = ("consent", "rectify", WHO, "--entry", str(wrong(shop)), *VERIFIED)
    answer = shop(*rectify, "--at", "2026-02-02T00:00:00Z")
    assert (answer.code, "recorded before that" in answer.err) == (1, True)
    shop(*rectify, "--at", "2026-02-01T00:00:00Z", *PROOF).ok()


def size(context: Context) -> int:
    with open_log(context).read() as reader:
        return reader.size


def test_a_yes_that_is_dated_back_is_shown_and_nothing_is_written_before(shop: Line, context: Context) -> None:
    rectify = ("consent", "rectify", WHO, "--entry", str(wrong(shop)), "--at", "1990-01-05T00:00:00Z", *VERIFIED)
    before = size(context)
    for words in ((), ("--evidence", " ")):
        answer = shop(*rectify, *words)
        assert (answer.code, "permits more than the entry did" in answer.err) == (1, True), answer.err
        assert "GDPR 5(1)(d), 7(1)" in answer.err
        assert "mend: say where the proof is" in answer.err
    assert size(context) == before
    assert asked(shop, "--at", "1990-02-01T00:00:00Z") == "no_record"
    done = shop(*rectify, *PROOF, "--json").ok()
    assert done.json["older_than_notice"] is True
    assert "warning: this yes is now older than the registration here of the notice" in done.err
    assert asked(shop, "--at", "1990-02-01T00:00:00Z") == "given"
    entries = shop("consent", "history", WHO, "--json").ok().json["entries"]
    assert [entry["envelope"].get("evidence") for entry in entries if entry["type"] == "correction"] == ["form 12"]


def test_a_narrower_yes_needs_no_proof_and_a_wider_one_does(shop: Line) -> None:
    rectify = ("consent", "rectify", WHO, *VERIFIED, "--entry")
    done = shop(*rectify, str(wrong(shop)), "--channel", "email", "--json").ok()
    assert (done.json["older_than_notice"], done.err) == (False, "")
    wider = (*rectify, str(done.json["replaced_by"]), "--channel", "")
    answer = shop(*wider)
    assert (answer.code, "where: --evidence" in answer.err) == (1, True), answer.err
    shop(*wider, *PROOF).ok()
    assert asked(shop) == "given"


def test_an_entry_is_corrected_once_and_only_ones_own(shop: Line) -> None:
    seq = wrong(shop)
    assert shop("consent", "rectify", "member:ben", "--entry", str(seq), *VERIFIED).code == 1
    assert shop("consent", "rectify", WHO, "--entry", "99999", *VERIFIED).code == 1
    assert asked(shop) == "given"
    shop("consent", "rectify", WHO, "--entry", str(seq), *VERIFIED).ok()
    assert shop("consent", "rectify", WHO, "--entry", str(seq), *VERIFIED).code == 1


def test_a_correction_that_could_not_be_recorded_leaves_everything_as_it_was(shop: Line, context: Context) -> None:
    seq, size = wrong(shop), open_log(context).size
    answer = shop("consent", "rectify", WHO, "--entry", str(seq), "--purpose", "juggling", *VERIFIED)
    assert (answer.code, open_log(context).size) == (2, size)
    assert asked(shop) == "given"


def test_r31_whoever_may_have_the_old_value_is_listed_and_the_result_is_recorded(
    shop: Line, context: Context, clock: SimulatedClock, verified: Callable[[], Verification]
) -> None:
    done = shop("consent", "rectify", WHO, "--entry", str(wrong(shop)), "--json", *VERIFIED).ok().json
    assert done["to_notify"] == ["Partner GmbH", "email", "file"]
    due = shop("consent", "recipients", "list", "--json").ok().json
    assert [(one["recipient"], one["what"], one["people"]) for one in due["recipients"]] == [
        (name, "rectify", 1) for name in done["to_notify"]
    ]
    assert shop("consent", "recipients", "list", "--check").code == 0
    clock.move_to(clock.now_us() + 31 * DAY_US)
    assert shop("consent", "recipients", "list", "--check").code == 1
    shop("consent", "recipients", "done", "Partner GmbH", "--what", "rectify").ok()
    shop("consent", "recipients", "done", "email", "--what", "rectify", "--result", "impossible").ok()
    assert shop("consent", "recipients", "done", "email", "--what", "rectify").code == 1
    assert shop("consent", "recipients", "done", "file", "--what", "erase").code == 1
    with open_log(context).read() as reader:
        answers = [entry.fields for entry in reader.system_entries("answer") if "recipient" in entry.fields]
    assert answers == [
        {"recipient": "Partner GmbH", "what": "rectify", "counts": {"told": 1}},
        {"recipient": "email", "what": "rectify", "counts": {"impossible": 1}},
    ]
    assert [one["recipient"] for one in shop("consent", "recipients", "list", "--json").json["recipients"]] == ["file"]
    verified()


def test_r31_an_erasure_lists_whom_to_tell_leaves_word_and_records_what_channels_answer(
    shop: Line, context: Context, verified: Callable[[], Verification]
) -> None:
    plan = shop("consent", "erase", WHO, "--json").ok().json
    assert plan["to_notify"] == ["Partner GmbH"]
    done = shop("consent", "erase", WHO, "--execute", "--json").ok().json
    assert done["to_notify"] == ["Partner GmbH"]
    assert [(told["channel"], told["told"]) for told in done["told"] if told["told"]] == [("file", 1)]
    due = shop("consent", "recipients", "list", "--json").ok().json["recipients"]
    assert [(one["recipient"], one["what"]) for one in due] == [("Partner GmbH", "erase")]
    with open_log(context).read() as reader:
        answers = [entry.fields for entry in reader.system_entries("answer")]
    assert {"recipient": "file", "what": "erase", "counts": {"delivered": 1}} in answers
    shop("consent", "recipients", "done", "Partner GmbH", "--what", "erase").ok()
    verified()


def test_r31_recipients_that_purposes_and_uses_name_are_listed_too(shop: Line, context: Context) -> None:
    with open_log(context).write() as transaction:
        purposes = read_purposes(transaction)
        told = Recipient(name="Lab AG", contact="lab@lab.example", method="a file each week")
        register_purposes(
            transaction, [*purposes.values(), DeclaredPurpose(name="research", description="We study.", recipient=told)]
        )
        transaction.append_system("export", {"purpose": "analytics", "recipient": "Auditor SA"})
        transaction.append_system("export", {"purpose": "essential", "recipient": "Somebody Else"})
    plan = shop("consent", "erase", WHO, "--json").ok().json
    assert plan["to_notify"] == ["Auditor SA", "Partner GmbH"], "they never agreed to research"
    with open_log(context).write() as transaction:
        subject = transaction.find_subject(RawId.parse(WHO))
        assert subject is not None
        said = Statement(type="grant", purpose="research", channel="", at_us=transaction.now_us)
        transaction.append_person(subject, said, {"recorded_us": transaction.now_us})
    plan = shop("consent", "erase", WHO, "--json").ok().json
    assert plan["to_notify"] == ["Auditor SA", "Lab AG", "Partner GmbH"]
