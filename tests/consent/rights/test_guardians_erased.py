"""A guardian's erasure: asked of two persons where it is of many, marked in the log, finished after a crash, and final
for what was authorised before it and for nothing after."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.audit.verify import Verification, verify
from imp_consent.commands import erase as command
from imp_consent.ledger.tombstones import Tombstones
from imp_consent.plane.strangers import find_strangers
from imp_consent.runtime import open_keyring, open_log
from imp_core.clock import DAY_US, SimulatedClock, format_time
from imp_core.context import Context
from imp_core.event import RawId

Line = Any
Check = Callable[[], Verification]
KIM, LEA = "member:kim", "member:lea"
ANN, GRAN = "email:ann@example.com", "phone:+33612345678"  # the one is known here, the other is not
WORDS = ("--role", "mother", "--verification", "passport P7", "--evidence", "form 77", "--purpose", "analytics")
ANEW = (*WORDS, "--jurisdiction", "DE")
GIVEN = ("--purpose", "analytics", "--state", "given", "--action", "click")
SURE = ("--verified", "contact", "--how", "answered from the address on record")


def entries(ctx: Context, child: str) -> list[dict[str, Any]]:
    """A child's entries as the ledger holds them."""
    ctx.close()
    with open_log(ctx).read() as reader:
        subject = reader.find_subject(RawId.parse(child))
        assert subject is not None
        found = [json.loads(json.dumps(dict(entry.payload))) for entry in reader.history(subject)]
    ctx.close()
    return found


def newest(ctx: Context, child: str) -> int:
    """The number in the log of a child's last entry."""
    ctx.close()
    with open_log(ctx).read() as reader:
        subject = reader.find_subject(RawId.parse(child))
        assert subject is not None
        found = reader.history(subject)[-1].seq
    ctx.close()
    return found


def guardians(ctx: Context, child: str) -> list[str]:
    """What stands for the guardian in each authorisation of a child: their pseudonym's letters, or "erased"."""
    return [str(entry["guardian"]) for entry in entries(ctx, child) if entry["type"] == "guardian"]


def marks(ctx: Context) -> list[tuple[Any, Any]]:
    """What the `erased` entries of the log say: how many people, and how many authorisations."""
    ctx.close()
    with open_log(ctx).read() as reader:
        found = [(one.fields["people"], one.fields["authorisations"]) for one in reader.system_entries("erased")]
    ctx.close()
    return found


def lose(line: Line, ctx: Context) -> None:
    """The ledger's file is gone."""
    ctx.close()
    for path in line.workspace.glob("ledger.db*"):
        path.unlink()


def sound(ctx: Context) -> None:
    ctx.close()
    assert verify(ctx.workspace, open_keyring(ctx)).problems == ()
    ctx.close()


def test_r29_erasing_many_guardians_waits_for_a_second_person_though_nobody_is_known_by_any(
    shop: Line, opened: Context, setting: Callable[[str], None]
) -> None:
    setting("[policy]\ntwo_persons = true\ntwo_persons_above = 2")
    strangers = [f"member:{90 + n}" for n in range(3)]
    for n, who in enumerate(strangers):
        shop("consent", "guardian", f"member:{n}", "--guardian", who, *WORDS).ok()
    words = ("consent", "erase", *strangers, "--execute")
    refused = shop(*words)
    assert (refused.code, "two persons are needed" in refused.err) == (1, True)
    assert not [n for n in range(3) if "erased" in guardians(opened, f"member:{n}")]
    (waits,) = shop("approve", "--json").ok().json["waiting"]
    assert waits["people"] == 3
    shop("approve", str(waits["seq"]), IMP_ACTOR="ben").ok()
    other = shop("consent", "erase", *strangers[:2], "member:nobody", "--execute").ok()
    assert "in entries of others: 2" in other.out, "two are no more than one person may erase, and a nobody is none"
    asked_anew = shop(*words).ok()  # one alone is left of those three
    assert "in entries of others: 1" in asked_anew.out


def test_r29_known_people_and_guardians_nobody_knows_are_counted_together(
    family: Line, opened: Context, setting: Callable[[str], None]
) -> None:
    setting("[policy]\ntwo_persons = true\ntwo_persons_above = 1")
    words = ("consent", "erase", "member:ben", GRAN, "--execute")
    assert family(*words).code == 1
    assert "erased" not in guardians(opened, LEA)
    assert family("consent", "check", "member:ben", "--purpose", "analytics", "--json").json["reason"] == "given"
    (waits,) = family("approve", "--json").ok().json["waiting"]
    family("approve", str(waits["seq"]), IMP_ACTOR="ben").ok()
    done = family(*words, "--json").ok().json
    assert (done["people"], done["authorisations"]) == (1, 1)


@pytest.mark.parametrize("guardian", [ANN, GRAN])
def test_r29_a_restore_leaves_what_an_erased_guardian_authorised_anew(
    family: Line, opened: Context, tmp_path: Path, verified: Check, guardian: str
) -> None:
    child = KIM if guardian == ANN else LEA
    family("consent", "erase", guardian, "--execute").ok()
    named = family("consent", "guardian", child, "--guardian", guardian, *ANEW).ok()
    assert "erased here before" in named.err
    before = guardians(opened, child)
    assert before[0] == "erased" != before[1]
    family("backup", tmp_path / "all.bak").ok()
    lose(family, opened)
    family("restore", tmp_path / "all.bak", "--execute").ok()
    assert guardians(opened, child) == before
    sound(opened)
    # once more erased, the same backup brings the second naming back no more than the first
    done = family("consent", "erase", guardian, "--execute").ok()
    assert "in entries of others: 1" in done.out
    lose(family, opened)
    family("restore", tmp_path / "all.bak", "--execute").ok()
    assert guardians(opened, child) == ["erased", "erased"]
    sound(opened)
    family("consent", "guardian", child, "--guardian", guardian, *ANEW).ok()
    family("backup", tmp_path / "later.bak").ok()
    lose(family, opened)
    family("restore", tmp_path / "later.bak", "--execute").ok()
    assert guardians(opened, child)[2] != "erased"
    sound(opened)


@pytest.mark.parametrize("guardian", [ANN, GRAN])
def test_r29_a_guardian_who_comes_back_after_their_erasure_is_not_back_in_what_was_before(
    family: Line, opened: Context, tmp_path: Path, guardian: str
) -> None:
    child = KIM if guardian == ANN else LEA
    family("backup", tmp_path / "older.bak").ok()
    family("consent", "erase", guardian, "--execute").ok()
    family("consent", "record", guardian, *GIVEN, "--returning").ok()
    family("backup", tmp_path / "between.bak").ok()
    family("consent", "guardian", child, "--guardian", guardian, *ANEW).ok()
    family("backup", tmp_path / "newer.bak").ok()
    for name, left in (("newer", 2), ("between", 1), ("older", 1)):
        lose(family, opened)
        family("restore", tmp_path / f"{name}.bak", "--execute").ok()
        assert [one == "erased" for one in guardians(opened, child)] == [True, False][:left], name
        sound(opened)


def test_r29_who_is_no_longer_suppressed_though_the_log_counted_them_is_a_problem_and_no_note(
    family: Line, opened: Context
) -> None:
    family("consent", "erase", GRAN, "--execute").ok()
    with open_log(opened).write() as transaction:
        transaction.sealed.delete("suppression", "1", ())
    opened.close()
    found = verify(opened.workspace, open_keyring(opened))
    assert ([one.code for one in found.problems], found.notes) == (["suppression.missing"], ())


def test_r29_an_erased_guardian_who_is_named_anew_stays_out_of_imports(family: Line, tmp_path: Path) -> None:
    family("consent", "erase", GRAN, "--execute").ok()
    family("consent", "guardian", LEA, "--guardian", GRAN, *ANEW).ok()
    refused = family("consent", "record", GRAN, *GIVEN)
    assert (refused.code, "this person was erased" in refused.err) == (1, True)
    family("consent", "access", GRAN, "--out", tmp_path / "gran", "--verified", "reasonable", "--how", "code").ok()
    assert len(json.loads((tmp_path / "gran" / "access.json").read_bytes())["authorisations"]) == 1


@pytest.mark.parametrize(("guardian", "said"), [(ANN, (1, 1)), (GRAN, (0, 1))])
def test_r29_the_log_says_that_a_guardian_was_taken_out_of_others_entries(
    family: Line, opened: Context, tmp_path: Path, guardian: str, said: tuple[int, int]
) -> None:
    before = family("status", "--json").ok().json
    family("consent", "erase", guardian, "--execute").ok()
    assert marks(opened) == [said]
    assert family("status", "--json").ok().json != before
    sound(opened)
    told = family("audit", "entries", "0-99", "--json").ok().json["entries"]
    (one,) = [one["fields"] for one in told if one["type"] == "erased"]
    assert (one["people"], one["authorisations"]) == said
    family("audit", "export", tmp_path / "log").ok()
    exported = b"".join(path.read_bytes() for path in (tmp_path / "log").rglob("*") if path.is_file())
    assert b'"authorisations":1' in exported
    family("audit", "verify", tmp_path / "log", "--vkey", next((tmp_path / "log").glob("*vkey*"))).ok()
    events = family("audit", "report", "--json").ok().json["events"]
    (event,) = [one for one in events if one["type"] == "erased"]
    assert "authorisations few" in event["text"]


def test_r29_a_restore_says_how_many_authorisations_it_took_guardians_out_of(
    family: Line, opened: Context, tmp_path: Path
) -> None:
    family("backup", tmp_path / "older.bak").ok()
    for guardian in (ANN, GRAN):
        family("consent", "erase", guardian, "--execute").ok()
    lose(family, opened)
    family("restore", tmp_path / "older.bak", "--execute").ok()
    with open_log(opened).read() as reader:
        (said,) = [entry.fields for entry in reader.system_entries("restore")]
    assert (said["erased"], said["authorisations"]) == (1, 2)


def _is_row(what: str) -> bool:
    return what.startswith(("INSERT", "UPDATE", "DELETE"))


def test_r29_killed_before_any_write_a_strangers_erasure_is_finished_and_no_backup_brings_them_back(
    family: Line, opened: Context, killer: Any, tmp_path: Path
) -> None:
    family("backup", tmp_path / "older.bak").ok()
    words = ("consent", "erase", GRAN, "--execute", *SURE)
    opened.close()
    whole = tmp_path / "whole"
    copies = (family.workspace, family.keys)

    def put(*, back: bool) -> None:
        for path in copies:
            here, there = (whole / path.name, path) if back else (path, whole / path.name)
            shutil.rmtree(there, ignore_errors=True)
            shutil.copytree(here, there)

    put(back=False)
    points = killer.points(lambda: family(*words).ok())
    assert {"pwrite", "COMMIT", "VACUUM"} <= set(points)
    chosen = [n for n, what in enumerate(points) if not _is_row(what) or n % 5 == 0]
    noted: set[str] = set()
    for point in chosen:
        for again in (words, ("consent", "erase", "--resume", "--json")):
            put(back=True)
            killer.kill_before(point, lambda: family(*words))
            noted |= _finished(family, opened, again, tmp_path, f"{again[-1]} after {point}, {points[point]}")
    assert noted == {"erasure.begun"}


def _finished(line: Line, ctx: Context, again: tuple[str, ...], folder: Path, moment: str) -> set[str]:
    begun = bool(Tombstones(line.keys, open_keyring(ctx)).read().suppressed)
    gone = guardians(ctx, LEA) == ["erased"]
    found = verify(ctx.workspace, open_keyring(ctx))
    assert (found.problems, bool(found.notes)) == ((), begun and not gone), moment
    answer = line(*again)
    if "--resume" in again:
        assert answer.ok().json["compacted"], "what they were named by is not left in free pages"
    if "--resume" not in again or begun:
        assert guardians(ctx, LEA) == ["erased"], moment
        assert marks(ctx) == [(0, 1)], moment
    else:
        assert not gone, moment
        return set()
    if gone or "--resume" not in again:  # asked and answered in one with what was taken out
        requests = line("consent", "requests", "list", "--all", "--json").ok().json["requests"]
        assert [(one["kind"], one["state"]) for one in requests] == [("erase", "answered")], moment
    assert verify(ctx.workspace, open_keyring(ctx)).problems == (), moment
    lose(line, ctx)
    line("restore", folder / "older.bak", "--execute").ok()
    assert guardians(ctx, LEA) == ["erased"], moment
    return {note.code for note in found.notes}


def test_r29_a_second_erasure_that_died_before_its_commit_is_finished_too(
    family: Line, opened: Context, killer: Any
) -> None:
    family("consent", "erase", GRAN, "--execute").ok()
    family("consent", "guardian", LEA, "--guardian", GRAN, *ANEW).ok()
    opened.close()
    stones = family.keys / "tombstones"
    lines = stones.read_bytes().count(b"\n")
    words = ("consent", "erase", GRAN, "--execute")
    for point in range(1000):
        killer.kill_before(point, lambda: family(*words))
        if stones.read_bytes().count(b"\n") > lines:
            break
    assert guardians(opened, LEA)[1] != "erased", "written outside, and not committed"
    said = family("consent", "erase", "--resume").ok().out
    assert said.startswith("an erasure of guardians that was interrupted is finished")
    assert guardians(opened, LEA) == ["erased", "erased"]
    sound(opened)
    assert family("consent", "erase", "--resume").ok().out.startswith("there was no erasure to resume")


@pytest.mark.parametrize(("child", "guardian"), [(KIM, ANN), (LEA, GRAN)])
def test_r29_what_shows_a_guardians_yes_goes_with_them_and_the_childs_own_stays(
    family: Line, opened: Context, child: str, guardian: str
) -> None:
    family("consent", "record", child, *GIVEN, "--jurisdiction", "DE", "--evidence", "her own form").ok()
    other = LEA if child == KIM else KIM
    kept = entries(opened, other)
    assert [one["evidence"] for one in entries(opened, child) if one["type"] == "grant"] == [
        "mail of Ann Smith", "her own form",
    ]  # fmt: skip
    answer = family("consent", "check", child, "--purpose", "analytics", "--json").json
    family("consent", "erase", guardian, "--execute").ok()
    assert [one["evidence"] for one in entries(opened, child) if one["type"] == "grant"] == [None, "her own form"]
    assert "Smith" not in json.dumps(entries(opened, child))
    assert entries(opened, other) == kept
    assert family("consent", "check", child, "--purpose", "analytics", "--json").json == answer
    sound(opened)


def test_r29_asking_again_once_it_is_done_names_what_finishes_an_erasure(family: Line) -> None:
    family("consent", "erase", GRAN, "--execute").ok()
    again = family("consent", "erase", GRAN, "--execute")
    assert (again.code, "imp consent erase --resume" in again.err) == (1, True)
    assert "--resume" not in family("consent", "erase", "member:nobody", "--execute").err


def test_r29_another_guardians_authorisation_keeps_its_proof(family: Line, opened: Context) -> None:
    family("consent", "guardian", KIM, "--guardian", GRAN, *ANEW).ok()
    family("consent", "erase", ANN, "--execute").ok()
    proofs = [
        (one["guardian"] == "erased", one["evidence"]) for one in entries(opened, KIM) if one["type"] == "guardian"
    ]
    assert proofs == [(True, None), (False, "form 77")]


def test_r29_what_shows_that_a_guardians_word_was_wrong_goes_with_them_and_of_others_it_stays(
    family: Line, opened: Context, clock: SimulatedClock
) -> None:
    clock.move_to(clock.now_us() + DAY_US)
    given = ("consent", "record", KIM, *GIVEN, "--jurisdiction", "DE", "--evidence")
    said = (
        (("consent", "guardian", KIM, "--guardian", ANN, *ANEW), "of Ann Smith"),
        ((*given, "mail", "--by-guardian"), "letter of Ann Smith"),
        (("consent", "guardian", KIM, "--guardian", GRAN, *ANEW), "letter of Gran"),
        ((*given, "her own form"), "letter of Kim"),
    )
    seqs = []
    for words, _ in said:
        family(*words).ok()
        seqs.append(newest(opened, KIM))
    for seq, (_, letter) in zip(seqs, said, strict=True):
        words = ("--verified", "reasonable", "--how", "letter", "--evidence", letter)
        family("consent", "rectify", KIM, "--entry", str(seq), *words).ok()
    family("consent", "erase", ANN, "--execute").ok()
    proofs = [one["evidence"] for one in entries(opened, KIM) if one["type"] == "correction"]
    assert proofs == [None, None, "letter of Gran", "letter of Kim"]
    assert "Smith" not in json.dumps(entries(opened, KIM))
    sound(opened)


def test_r29_what_a_guardian_did_to_say_so_and_what_they_asked_to_correct_go_with_them(
    family: Line, opened: Context, clock: SimulatedClock
) -> None:
    clock.move_to(clock.now_us() + DAY_US)
    law, where = ("--jurisdiction", "DE"), ("--purpose", "analytics")
    say = ("consent", "record", KIM, *where, *law, "--action")
    asked = ("--verified", "reasonable", "--how", "Ann Smith showed her letter", "--words", "Ann Smith 说是昨天")
    own = ("--verified", "reasonable", "--how", "Kim came along", "--words", "Kim says it was another day")

    def right(seq: int, who: tuple[str, ...]) -> None:
        clock.move_to(clock.now_us() + DAY_US)
        at = format_time(clock.now_us() - 2 * DAY_US)
        family("consent", "rectify", KIM, "--entry", str(seq), "--at", at, "--evidence", "file 7", *who).ok()

    family(*say, "signature of Ann Smith", "--state", "given", "--by-guardian").ok()
    right(newest(opened, KIM), asked)
    family(*say, "click", "--state", "given", "--by-guardian").ok()
    family(*say, "Kim's own nod", "--state", "given").ok()
    right(newest(opened, KIM), own)
    family(*say, "call of Ann Smith 安", "--state", "withdrawn", "--by-guardian").ok()
    answer = family("consent", "check", KIM, *where, "--json").json
    before = entries(opened, KIM)
    family("consent", "erase", ANN, "--execute").ok()
    after = entries(opened, KIM)
    assert "Smith" in json.dumps(before)
    assert "Smith" not in json.dumps(after)
    acts = [one["affirmative_action"] for one in after if one.get("affirmative_action")]
    kept = ["click", "signature", "signature", "click", "Kim's own nod", "Kim's own nod", "call"]
    assert acts == kept, "none names anybody"
    requests = [(one["evidence"], one["words"]) for one in after if one["type"] == "request"]
    assert requests == [(None, None), ("Kim came along", "Kim says it was another day")]
    assert family("consent", "check", KIM, *where, "--json").json == answer
    assert family("consent", "requests", "list", "--all").ok().out.count("rectify") == 2
    sound(opened)


@pytest.mark.parametrize("others", [(), ("member:ben",)])
def test_r29_who_is_recorded_while_they_are_erased_as_a_guardian_is_erased_with_that_by_asking_again(
    family: Line, opened: Context, monkeypatch: pytest.MonkeyPatch, verified: Check, others: tuple[str, ...]
) -> None:
    words = ("consent", "erase", GRAN, *others, "--execute")

    def meanwhile(*args: Any) -> Any:
        found = find_strangers(*args)
        family("consent", "record", GRAN, *GIVEN).ok()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(command, "find_strangers", meanwhile)
        refused = family(*words)
    assert (refused.code, "nothing was erased" in refused.err, "33612345678" in refused.err) == (1, True, False)
    assert guardians(opened, LEA) != ["erased"]
    assert marks(opened) == []
    for who in (GRAN, *others):
        assert family("consent", "check", who, "--purpose", "analytics", "--json").json["reason"] == "given"
    done = family(*words, "--json").ok().json
    assert (done["people"], done["authorisations"]) == (1 + len(others), 1)
    assert guardians(opened, LEA) == ["erased"]
    assert family("consent", "history", GRAN, "--json").json["entries"] == []
    verified()
