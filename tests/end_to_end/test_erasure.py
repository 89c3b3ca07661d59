"""Erasure: denied at once, gone from every store, finished after a crash at any step, and the audit still agrees."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from imp_consent.commands.audit import verify_workspace
from imp_consent.commands.check import check
from imp_consent.commands.erase import erase, plan_erasure
from imp_consent.commands.ingest import ingest
from imp_consent.commands.init import init
from imp_consent.commands.record import record
from imp_consent.plane import archive, remove
from imp_consent.plane.remove import pending, request_erasure, resume
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SimulatedClock, format_time
from imp_core.context import Context
from imp_core.errors import CheckFailed
from imp_core.event import RawId
from imp_core.gate import Action, Use
from imp_core.plugin_commands import enable
from imp_core.ports import Superseded

ANN, BEN = RawId("email", "ann@example.com"), RawId("member", "ben")


@pytest.fixture
def shop(context: Context, clock: SimulatedClock, tmp_path: Path) -> Context:
    """Two people with consent and events in two files."""
    init(context, context.directory, controller="Shop Ltd")
    enable(context, "file")
    for raw in (ANN, BEN):
        record(context, raw, purpose="analytics", state="given")
    clock.move_to(clock.now_us() + DAY_US)
    for number in range(2):
        at = format_time(clock.now_us() - 3600_000_000)
        path = tmp_path / f"{number}.csv"
        path.write_text(
            "type,identifier,at,purpose,id,name,channel\n"
            f"touchpoint,email:ann@example.com,{at},analytics,a{number},visit,web\n"
            f"touchpoint,member:ben,{at},analytics,b{number},visit,web\n"
        )
        assert ingest(context, "file", path).admitted == 2
    return context


def archive_subjects(ctx: Context) -> list[int]:
    files = [str(path) for path in ctx.workspace.archive.iterdir()]
    with duckdb.connect() as connection:
        return [row[0] for row in connection.execute("SELECT subject FROM read_parquet(?)", [files]).fetchall()]


def everything_in(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file())


def test_r29_an_erased_person_is_gone_and_the_others_stay(shop: Context) -> None:
    subject, other = shop.gate.resolve(ANN), shop.gate.resolve(BEN)
    done = erase(shop, [ANN])
    assert (done.people, done.leaves, done.rows, done.files) == (1, 2, 2, 2)
    assert shop.gate.resolve(ANN) is None
    assert check(shop, ANN, purpose="analytics").reason == "no_record"
    assert check(shop, BEN, purpose="analytics").permitted
    assert archive_subjects(shop) == [other, other]
    sql = sqlite3.connect(shop.workspace.database)
    for table in ("payload", "consent_state", "subject_key", "erasure"):
        assert sql.execute(f"SELECT count(*) FROM {table} WHERE subject = ?", (subject,)).fetchone() == (0,)
    assert sql.execute("SELECT count(*) FROM identifier").fetchone() == (1,)
    assert sql.execute("SELECT count(*) FROM suppression").fetchone() == (1,)
    assert sql.execute("SELECT count(*), max(channel) FROM outbox").fetchone() == (1, "file")
    sql.close()
    assert verify_workspace(shop).ok


def test_r29_no_byte_of_the_subject_number_is_left(shop: Context) -> None:
    subject = shop.gate.resolve(ANN)
    assert subject is not None
    needles = [subject.to_bytes(8, "big"), subject.to_bytes(8, "little"), str(subject).encode()]
    shop.close()
    before = everything_in(shop.workspace.root)
    assert needles[0] in before  # the search finds what is there
    assert needles[1] in before
    erase(shop, [ANN])
    shop.close()
    after = everything_in(shop.workspace.root)
    assert not any(needle in after for needle in needles)


def test_the_gate_denies_from_the_request_on(shop: Context) -> None:
    subject = shop.gate.resolve(ANN)
    assert subject is not None
    request_erasure(open_log(shop), [subject], {})
    decision = check(shop, ANN, purpose="analytics")
    assert (decision.permitted, decision.reason) == (False, "erased")
    assert (pending(open_log(shop)), plan_erasure(shop, [ANN]).pending) == (1, 1)
    opened = shop.view.open(Use(purpose="analytics", action=Action.ANALYSE))
    assert opened.events.filter(f"subject = {subject}").fetchall() == []
    opened.close(readout_sha256="0" * 64, counts={})


class _Crash(BaseException):
    """The process ends here."""


STEPS = [
    ("imp_consent.plane.archive.rewrite_without", 1),
    ("imp_consent.plane.archive.rewrite_without", 2),
    ("imp_consent.plane.remove._swap", 1),
    ("imp_consent.plane.remove._swap", 2),
    ("imp_consent.plane.archive.remove_orphans", 1),
    ("imp_consent.plane.remove._destroy", 1),
    ("imp_consent.plane.remove.destroy_person", 1),
    ("imp_consent.ledger.log.Log.compact", 1),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("target", "call"), STEPS)
def test_an_erasure_goes_on_where_a_crash_stopped_it(
    shop: Context, monkeypatch: pytest.MonkeyPatch, target: str, call: int, after: bool
) -> None:
    module, _, name = target.rpartition(".")
    owner: Any = _owner(module)
    real: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def crashing(*arguments: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and not after:
            raise _Crash
        answer = real(*arguments, **more)
        if calls == call:
            raise _Crash
        return answer

    other = shop.gate.resolve(BEN)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, crashing)
        with pytest.raises(_Crash):
            erase(shop, [ANN])
    shop.close()
    shop.reload_workspace()
    assert not check(shop, ANN, purpose="analytics").permitted
    assert verify_workspace(shop).ok, "half-done is not half-broken"
    resume(open_log(shop), shop.workspace)
    assert pending(open_log(shop)) == 0
    assert archive_subjects(shop) == [other, other]
    assert verify_workspace(shop).ok
    erased = list(shop.ledger.entries("erased"))
    assert [(entry.fields["people"], entry.fields["leaves"], entry.fields["rows"]) for entry in erased] == [(1, 2, 2)]


def _owner(module: str) -> Any:
    import importlib  # noqa: PLC0415 (a module or a class in one)

    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        package, _, name = module.rpartition(".")
        return getattr(importlib.import_module(package), name)


def test_erasing_nobody_known_is_refused_and_changes_nothing(shop: Context) -> None:
    size = open_log(shop).size
    assert not plan_erasure(shop, [RawId("member", "nobody")]).known
    with pytest.raises(CheckFailed, match="nobody is known"):
        erase(shop, [RawId("member", "nobody")])
    assert open_log(shop).size == size


def test_two_erasures_one_after_the_other_balance(shop: Context) -> None:
    erase(shop, [ANN])
    record(shop, ANN, purpose="analytics", state="given", returning=True)
    done = erase(shop, [ANN, BEN])
    assert (done.people, done.rows) == (2, 2)
    result = verify_workspace(shop)
    assert result.ok
    assert (result.living, result.orphaned_leaves) == (0, 6)


def test_a_crash_before_the_clearing_is_made_good_by_the_next_resume(
    shop: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_: object) -> bool:
        raise _Crash

    with monkeypatch.context() as patch:
        patch.setattr("imp_consent.ledger.log.Log.compact", crash)
        with pytest.raises(_Crash):
            erase(shop, [ANN])
    cleared = []
    monkeypatch.setattr("imp_consent.ledger.log.Log.compact", lambda _: cleared.append(1) or True)
    assert resume(open_log(shop), shop.workspace).compacted
    assert cleared == [1]


def test_an_erasure_that_another_process_finishes_is_finished(shop: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = shop.gate.resolve(ANN)
    assert subject is not None
    log = open_log(shop)
    request_erasure(log, [subject], {})
    real = remove._destroy

    def overtaken(log: Any, subjects: set[int]) -> Any:
        assert real(log, subjects).people == 1
        return real(log, subjects)

    monkeypatch.setattr(remove, "_destroy", overtaken)
    assert resume(log, shop.workspace).people == 0
    assert verify_workspace(shop).ok


@pytest.mark.parametrize("moment", ["checked_live", "scan"])
def test_a_use_that_an_erasure_overtakes_is_to_be_opened_again(
    shop: Context, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    real = getattr(archive, moment)
    erasing = iter([ANN])

    def overtaken(*arguments: Any) -> Any:
        for raw in erasing:
            erase(shop, [raw])
        return real(*arguments)

    use = Use(purpose="analytics", action=Action.ANALYSE)
    with monkeypatch.context() as patch:
        patch.setattr(archive, moment, overtaken)
        with pytest.raises(Superseded):
            shop.view.open(use)
    opened = shop.view.open(use)
    assert len(opened.events.fetchall()) == 2
    opened.close(readout_sha256="0" * 64, counts={})
    closes = [entry.fields["use"] for entry in shop.ledger.entries("use-close")]
    assert len(closes) == len(set(closes)) == 2, "one use has one end"
