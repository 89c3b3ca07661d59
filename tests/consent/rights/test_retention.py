"""`imp consent retention`: what is past its period goes, killed at any write, and the audit accounts for it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from imp_consent.audit.verify import Verification, verify
from imp_consent.commands.retention import retention
from imp_consent.plane.retention import remove_rows
from imp_consent.plane.schedule import read_schedule
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SimulatedClock, format_time, parse_time
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.randomness import SeededRandomness

Line = Any
Setting = Callable[[str], None]
WHO = "email:ann@example.com"
NOW_US = parse_time("2026-03-01T12:00:00Z")
ARCHIVE = "[retention.archive]\ntouchpoint = 20\ntrait = 20\noutcome = 300"


def types_of(workspace: Path) -> Counter[str]:
    """The archive's rows by type, as its files have them."""
    files = [str(path) for path in (workspace / "archive").glob("*.parquet")]
    with duckdb.connect() as connection:
        found = connection.execute("SELECT type, count(*) FROM read_parquet(?) GROUP BY 1", [files]).fetchall()
    return Counter(dict(found))


def entries_of(context: Context, type_: str) -> list[Any]:
    with open_log(context).read() as reader:
        return [entry.fields for entry in reader.system_entries(type_)]


def test_r25_events_go_by_type_and_age_and_a_dry_run_comes_first(
    shop: Line, setting: Setting, context: Context, verified: Callable[[], Verification]
) -> None:
    setting(ARCHIVE)
    size = open_log(context).size
    plan = shop("consent", "retention", "--json").ok().json
    assert (plan["dry_run"], plan["rows"], plan["files"]) == (True, {"touchpoint": 2, "trait": 4}, 1)
    assert open_log(context).size == size
    assert types_of(shop.workspace) == {"touchpoint": 2, "trait": 4, "outcome": 2}
    done = shop("consent", "retention", "--execute", "--json").ok().json
    assert (done["dry_run"], done["rows"]) == (False, {"touchpoint": 2, "trait": 4})
    assert types_of(shop.workspace) == {"outcome": 2}
    (entry,) = entries_of(context, "retention")
    assert (entry["what"], entry["rows"]) == ("archive", {"touchpoint": 2, "trait": 4})
    again = shop("consent", "retention", "--execute", "--json").ok().json
    assert (again["rows"], len(entries_of(context, "retention"))) == ({}, 1)
    verified()


def test_rows_that_stay_are_read_as_before(shop: Line, setting: Setting, tmp_path: Path) -> None:
    setting(ARCHIVE)
    shop("consent", "retention", "--execute").ok()
    words = ("--out", tmp_path / "ann", "--verified", "reasonable", "--how", "x")
    shop("consent", "access", WHO, *words).ok()
    found = json.loads((tmp_path / "ann" / "access.json").read_bytes())
    assert ([len(found[kind]) for kind in ("touchpoints", "traits", "outcomes")]) == [0, 0, 1]
    assert found["retention"][:2] == ["events of type outcome: 300 days", "events of type touchpoint: 20 days"]


def test_a_later_compaction_and_erasure_go_on_from_what_is_left(
    shop: Line, setting: Setting, verified: Callable[[], Verification]
) -> None:
    setting(ARCHIVE)
    shop("consent", "retention", "--execute").ok()
    shop("compact").ok()
    shop("consent", "erase", WHO, "--execute").ok()
    assert types_of(shop.workspace) == {"outcome": 1}
    verified()


def test_r60_evidence_goes_when_nothing_was_permitted_for_its_period_and_the_no_stays(
    shop: Line, setting: Setting, clock: SimulatedClock, verified: Callable[[], Verification], tmp_path: Path
) -> None:
    setting("[retention]\nevidence = 100")
    shop("consent", "record", WHO, "--purpose", "analytics", "--state", "withdrawn").ok()
    clock.move_to(NOW_US + 99 * DAY_US)
    assert shop("consent", "retention", "--execute", "--json").ok().json["people"] == 0
    assert len(shop("consent", "history", WHO, "--json").ok().json["entries"]) == 2, "the proof is kept"
    clock.move_to(NOW_US + 101 * DAY_US)
    done = shop("consent", "retention", "--execute", "--json").ok().json
    assert done["people"] == 1
    assert shop("consent", "history", WHO, "--json").json["entries"] == []
    assert shop("consent", "history", "member:ben", "--json").ok().json["entries"] != [], "Ben still agrees"
    path = tmp_path / "old.csv"
    path.write_text(f"identifier,purpose,state,at\n{WHO},analytics,given,2026-02-01T00:00:00Z\n")
    assert shop("consent", "import", path, "--json").ok().json["suppressed"] == 1, "nobody takes them up again"
    assert verified().living == 1


def test_r60_a_yes_that_was_typed_after_its_end_counts_from_its_end_and_a_no_from_when_it_was_noted(
    shop: Line, setting: Setting, clock: SimulatedClock
) -> None:
    setting("[retention]\nevidence = 30")

    def typed(who: str, at: str, *words: str) -> None:
        shop("consent", "record", who, "--purpose", "analytics", "--at", at, *words).ok()

    clock.move_to(parse_time("2026-11-22T12:00:00Z"))
    due = shop("consent", "retention", "--json").ok().json["people"]
    typed("member:old", "2026-06-01T00:00:00Z", "--state", "given", "--valid-for", "10d")
    assert shop("consent", "retention", "--json").ok().json["people"] == due + 1
    typed("member:late", "2026-11-01T00:00:00Z", "--state", "given", "--valid-for", "10d")
    typed("member:open", "2026-06-01T00:00:00Z", "--state", "given")
    typed("member:no", "2026-06-01T00:00:00Z", "--state", "refused")
    typed("member:back", "2026-06-01T00:00:00Z", "--state", "given", "--valid-for", "10d")
    typed("member:back", "2026-06-05T00:00:00Z", "--state", "withdrawn")
    assert shop("consent", "retention", "--json").ok().json["people"] == due + 1
    clock.move_to(parse_time("2026-12-10T23:59:59Z"))
    assert shop("consent", "retention", "--json").ok().json["people"] == due + 1, "it ended not quite 30 days ago"
    clock.move_to(parse_time("2026-12-11T00:00:00Z"))
    assert shop("consent", "retention", "--json").ok().json["people"] == due + 2
    clock.move_to(parse_time("2026-12-23T12:00:00Z"))
    assert shop("consent", "retention", "--execute", "--json").ok().json["people"] == due + 4
    assert shop("consent", "check", "member:open", "--purpose", "analytics").code == 0


def test_evidence_of_somebody_who_asked_for_a_restriction_or_an_answer_is_kept(
    shop: Line, setting: Setting, clock: SimulatedClock
) -> None:
    setting("[retention]\nevidence = 100")
    for who in (WHO, "member:ben"):
        shop("consent", "record", who, "--purpose", "analytics", "--state", "withdrawn").ok()
    shop("consent", "restrict", WHO, "--grounds", "a claim in court").ok()
    shop("consent", "requests", "open", "access", "member:ben").ok()
    clock.move_to(NOW_US + 400 * DAY_US)
    assert shop("consent", "retention", "--json").ok().json["people"] == 0


def test_a_restriction_that_was_lifted_in_part_still_keeps_the_evidence_and_one_lifted_whole_does_not(
    shop: Line, setting: Setting, clock: SimulatedClock
) -> None:
    setting("[retention]\nevidence = 100")
    shop("consent", "record", WHO, "--purpose", "analytics", "--state", "withdrawn").ok()
    shop("consent", "restrict", WHO).ok()
    for late, words in ((1, ("--purpose", "analytics")), (401, ())):
        clock.move_to(NOW_US + late * DAY_US)
        assert shop("consent", "retention", "--json").ok().json["people"] == 0
        told = ("--told", "letter", "--told-at", format_time(clock.now_us()))
        shop("consent", "lift", WHO, "--of", "restrict", *words, *told).ok()
    clock.move_to(NOW_US + 900 * DAY_US)
    assert shop("consent", "retention", "--json").ok().json["people"] == 1


def test_whoever_waits_for_an_answer_that_was_put_off_is_left_alone(
    shop: Line, setting: Setting, clock: SimulatedClock
) -> None:
    setting("[retention]\nevidence = 100\nrequests = 50")
    shop("consent", "record", WHO, "--purpose", "analytics", "--state", "withdrawn").ok()
    found = shop("consent", "requests", "open", "access", WHO, "--json").ok().json
    shop("consent", "requests", "extend", found["id"], "--because", "complexity").ok()
    clock.move_to(NOW_US + 400 * DAY_US)
    plan = shop("consent", "retention", "--json").ok().json
    assert (plan["people"], plan["requests"]) == (0, 0)
    shop("consent", "requests", "answer", found["id"], "--outcome", "answered", "--done").ok()
    clock.move_to(NOW_US + 800 * DAY_US)
    plan = shop("consent", "retention", "--json").ok().json
    assert (plan["people"], plan["requests"]) == (1, 1)


def test_what_was_asked_goes_after_its_period_and_the_audit_accounts_for_it(
    shop: Line, setting: Setting, clock: SimulatedClock, context: Context, verified: Callable[[], Verification]
) -> None:
    setting("[retention]\nrequests = 50")
    found = shop("consent", "requests", "open", "rectify", WHO, "--words", "my words", "--json").ok().json
    shop("consent", "requests", "open", "access", WHO).ok()
    shop("consent", "requests", "answer", found["id"], "--outcome", "answered", "--done").ok()
    clock.move_to(NOW_US + 49 * DAY_US)
    assert shop("consent", "retention", "--json").ok().json["requests"] == 0
    clock.move_to(NOW_US + 51 * DAY_US)
    assert shop("consent", "retention", "--execute", "--json").ok().json["requests"] == 1
    with open_log(context).read() as reader:
        subject = reader.find_subject(RawId.parse(WHO))
        assert subject is not None
        kinds = [(entry.statement.type, entry.payload.get("kind")) for entry in reader.history(subject)]
    assert kinds == [("grant", None), ("request", "access")], "the open one is kept"
    assert shop("consent", "check", WHO, "--purpose", "analytics").code == 0
    assert shop("consent", "retention", "--execute", "--json").ok().json["requests"] == 0
    verified()


def test_a_retention_entry_cannot_account_for_a_withdrawal(shop: Line, context: Context) -> None:
    shop("consent", "record", WHO, "--purpose", "analytics", "--state", "withdrawn").ok()
    with open_log(context).write() as transaction:
        subject = transaction.find_subject(RawId.parse(WHO))
        assert subject is not None
        seq = transaction.history(subject)[-1].seq
        transaction.sql.execute("DELETE FROM payload WHERE seq = ?", (seq,))
        transaction.append_system("retention", {"what": "requests", "days": 1, "payloads": [seq]})
    open_log(context).checkpoint()
    codes = {problem.code for problem in verify(context.workspace, open_log(context).keyring).problems}
    assert {"retention.range", "payload.missing"} <= codes


def test_a_retention_entry_cannot_account_for_what_came_after_it(shop: Line, context: Context) -> None:
    with open_log(context).write() as transaction:
        ahead = transaction.append_system(
            "retention", {"what": "requests", "days": 1, "payloads": [open_log(context).size + 1]}
        )
    shop("consent", "requests", "open", "access", WHO).ok()
    with open_log(context).write() as transaction:
        assert transaction.sql.execute("DELETE FROM payload WHERE seq = ?", (ahead + 1,)).rowcount == 1
    codes = {problem.code for problem in verify(context.workspace, open_log(context).keyring).problems}
    assert {"retention.range", "payload.missing"} <= codes


def test_without_a_schedule_nothing_goes(shop: Line, clock: SimulatedClock) -> None:
    clock.move_to(NOW_US + 9_000 * DAY_US)
    assert "nothing is past" in shop("consent", "retention").ok().out
    shop("consent", "retention", "--execute").ok()
    assert types_of(shop.workspace) == {"touchpoint": 2, "trait": 4, "outcome": 2}


@pytest.mark.parametrize(
    "table",
    [
        "[retention]\nevidense = 3",
        "[retention]\nevidence = 0",
        "[retention]\nevidence = true",
        '[retention]\nrequests = "a year"',
        "[retention]\narchive = 3",
        "[retention.archive]\nvisits = 3",
        "[retention.archive]\ntouchpoint = 99999",
        "retention = 3",
    ],
)
def test_a_schedule_that_is_misspelt_is_refused(shop: Line, table: str) -> None:
    path = shop.workspace / "imp.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{table}\n{text}" if not table.startswith("[") else f"{text}\n{table}\n", encoding="utf-8")
    answer = shop("consent", "retention", "--execute")
    assert (answer.code, "[retention" in answer.err) == (2, True)


def _at(folder: Path) -> Context:
    return Context(
        environ={"IMP_HOME": str(folder / "workspace"), "IMP_KEYS": str(folder / "keys"), "IMP_ACTOR": "tester"},
        directory=folder,
        clock=SimulatedClock(NOW_US),
        randomness=SeededRandomness(5),
    )


def test_killed_before_any_write_retention_goes_on_where_it_stopped(shop: Line, killer: Any, tmp_path: Path) -> None:
    with (shop.workspace / "imp.toml").open("a") as file:
        file.write(f"\n{ARCHIVE}\n")

    def copy(name: str) -> Path:
        target = tmp_path / "places" / name
        shutil.rmtree(target, ignore_errors=True)
        for part in ("workspace", "keys"):
            shutil.copytree(tmp_path / part, target / part)
        return target

    def work(folder: Path) -> None:
        ctx = _at(folder)
        retention(ctx, execute=True)
        ctx.close()

    whole = copy("whole")
    points = killer.points(lambda: work(whole))
    assert {"fsync", "rename", "unlink", "COMMIT"} <= set(points)
    for point in range(len(points)):
        folder = copy("killed")
        killer.kill_before(point, lambda folder=folder: work(folder))
        ctx = _at(folder)
        found = verify(ctx.workspace, open_log(ctx).keyring)
        assert found.problems == (), f"killed before {point}, {points[point]}"
        retention(ctx, execute=True)
        found = verify(ctx.workspace, open_log(ctx).keyring)
        assert found.problems == (), f"killed before {point}, {points[point]}, then finished"
        assert types_of(folder / "workspace") == {"outcome": 2}, points[point]
        assert len(list((folder / "workspace" / "archive").iterdir())) == 1
        with open_log(ctx).read() as reader:
            assert len(list(reader.system_entries("retention"))) == 1
        ctx.close()


def test_of_two_at_once_one_takes_the_rows_and_the_other_finds_none(
    shop: Line, setting: Setting, tmp_path: Path
) -> None:
    setting(ARCHIVE)
    one, other = _at(tmp_path), _at(tmp_path)
    schedule = read_schedule(one.workspace.config)
    assert remove_rows(open_log(one), one.workspace, schedule) == {"touchpoint": 2, "trait": 4}
    assert remove_rows(open_log(other), other.workspace, schedule) == {}
    for ctx in (one, other):
        ctx.close()


def test_a_restore_of_a_backup_from_before_does_not_bring_back_what_went(
    shop: Line, setting: Setting, clock: SimulatedClock, verified: Callable[[], Verification], tmp_path: Path
) -> None:
    setting(f"[retention]\nrequests = 50\n{ARCHIVE}")
    asked = shop("consent", "requests", "open", "rectify", WHO, "--words", "my words", "--json").ok().json
    shop("consent", "requests", "answer", asked["id"], "--outcome", "answered", "--done").ok()
    shop("backup", tmp_path / "ledger.bak").ok()
    clock.move_to(NOW_US + 60 * DAY_US)
    done = shop("consent", "retention", "--execute", "--json").ok().json
    assert (done["rows"], done["requests"]) == ({"touchpoint": 2, "trait": 4}, 1)
    (shop.workspace / "ledger.db").write_bytes(b"broken")
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (shop.workspace / name).unlink(missing_ok=True)
    shop("restore", tmp_path / "ledger.bak", "--execute").ok()
    assert types_of(shop.workspace) == {"outcome": 2}
    verified()
    again = shop("consent", "retention", "--execute", "--json").ok().json
    assert (again["rows"], again["requests"]) == ({}, 1), "what the backup still held of the request goes again"
    verified()


def _rest(shop: Line, setting: Setting) -> None:
    setting("[retention]\nevidence = 30")
    shop("consent", "record", WHO, "--purpose", "analytics", "--state", "withdrawn").ok()


def _entries(shop: Line, who: str) -> Any:
    return shop("consent", "history", who, "--json").json["entries"]


def test_r29_a_guardian_at_rest_keeps_the_proof_of_what_a_childs_permission_stands_on(
    family: Line, setting: Setting, clock: SimulatedClock, verified: Callable[[], Verification]
) -> None:
    _rest(family, setting)
    clock.move_to(NOW_US + 100 * DAY_US)
    before, own = _entries(family, "member:kim"), _entries(family, WHO)
    named = "left: the evidence of 1 person, named as guardian in 1 authorisation of people whose evidence is kept"
    assert named in family("consent", "retention").ok().out
    done = family("consent", "retention", "--execute", "--json").ok().json
    assert (done["people"], done["guardians"], done["authorisations"]) == (0, 1, 1)
    assert named in family("consent", "retention", "--execute").ok().out
    assert (_entries(family, "member:kim"), _entries(family, WHO)) == (before, own)
    assert family("consent", "check", "member:kim", "--purpose", "analytics", "--jurisdiction", "DE").code == 0
    verified()


def test_r60_a_guardian_goes_with_the_last_child_whose_evidence_is_past_its_time(
    family: Line, setting: Setting, clock: SimulatedClock
) -> None:
    _rest(family, setting)
    anew = ("--role", "mother", "--verification", "ID card", "--purpose", "analytics", "--jurisdiction", "DE")
    family("consent", "guardian", "member:ben", "--guardian", "member:kim", *anew).ok()  # whom Ann is the guardian of
    end = ("--purpose", "analytics", "--state", "withdrawn", "--jurisdiction", "DE")
    family("consent", "record", "member:kim", *end, "--by-guardian").ok()
    clock.move_to(NOW_US + 100 * DAY_US)
    plan = family("consent", "retention", "--json").ok().json
    assert (plan["people"], plan["guardians"], plan["authorisations"]) == (0, 2, 2), "Ben's evidence keeps both"
    family("consent", "record", "member:ben", "--purpose", "analytics", "--state", "withdrawn").ok()
    clock.move_to(NOW_US + 200 * DAY_US)
    done = family("consent", "retention", "--execute", "--json").ok().json
    assert (done["people"], done["guardians"], done["authorisations"]) == (3, 0, 0)
    assert (_entries(family, WHO), _entries(family, "member:kim")) == ([], [])


@pytest.mark.parametrize("execute", [(), ("--execute",)])
def test_r29_while_an_entry_that_may_name_a_guardian_does_not_open_nobodys_evidence_goes(
    family: Line, setting: Setting, clock: SimulatedClock, context: Context, execute: tuple[str, ...]
) -> None:
    setting("[retention]\nevidence = 30")
    family("consent", "record", WHO, "--purpose", "analytics", "--state", "withdrawn").ok()  # who is Kim's guardian
    clock.move_to(NOW_US + 100 * DAY_US)
    assert family("consent", "retention", "--json").ok().json["guardians"] == 1
    log = open_log(context)
    with log.write() as transaction:
        child = transaction.find_subject(RawId.parse("member:kim"))
        (seq,) = [entry.seq for entry in transaction.history(child or 0) if entry.statement.type == "guardian"]
        transaction.sql.execute("UPDATE payload SET ciphertext = zeroblob(40) WHERE seq = ?", (seq,))
    refused = family("consent", "retention", *execute)
    assert (refused.code, f"entry {seq}" in refused.err, "imp audit verify" in refused.err) == (3, True, True)
    with log.read() as reader:
        assert reader.find_subject(RawId.parse(WHO)) is not None
        assert not [*reader.system_entries("erased"), *reader.system_entries("retention")]
    assert family("audit", "verify").code == 1
