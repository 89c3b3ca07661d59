"""An erasure killed before each of its writes is finished by the next command, and nothing half-done is seen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb

from imp_consent.commands.audit import verify_workspace
from imp_consent.commands.check import check
from imp_consent.commands.erase import erase
from imp_consent.ledger.ratchet_due import erased_since_ratchet
from imp_consent.ledger.tombstones import Tombstones
from imp_consent.plane.remove import pending
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.event import RawId

ANN = RawId("email", "ann@example.com")
BEN = RawId("member", "ben")
# Killed between two writes of one transaction nothing but its rollback follows: of those, one in so many.
_ONE_IN = int(os.environ.get("IMP_CRASH_STRIDE", "5"))


def erase_at(place: Any) -> None:
    ctx = place.open()
    erase(ctx, [ANN])
    ctx.close()


def chosen(points: list[str]) -> list[int]:
    """Every call of the operating system and every commit, and what follows each; of the statements between, some."""
    telling = [not _is_row(what) for what in points]
    return [n for n in range(len(points)) if telling[n] or (n and telling[n - 1]) or n % _ONE_IN == 0]


def _is_row(what: str) -> bool:
    return what.startswith(("INSERT", "UPDATE", "DELETE"))


def rows_of(ctx: Context) -> list[int]:
    files = [str(path) for path in ctx.workspace.archive.iterdir()]
    with duckdb.connect() as connection:
        return [row[0] for row in connection.execute("SELECT subject FROM read_parquet(?)", [files]).fetchall()]


def test_killed_before_any_write_an_erasure_is_finished_by_the_next_one(
    place: Any, killer: Any, tmp_path: Path
) -> None:
    points = killer.points(lambda: erase_at(place.copy(tmp_path / "whole")))
    assert {"fsync", "rename", "unlink", "COMMIT", "VACUUM"} <= set(points)
    for point in chosen(points):
        at = place.copy(tmp_path / "killed")
        killer.kill_before(point, lambda at=at: erase_at(at))
        ctx = at.open()
        _check_after(ctx, f"killed before {point}, {points[point]}")
        ctx.close()


def _check_after(ctx: Context, moment: str) -> None:
    found = verify_workspace(ctx)
    assert found.ok, f"{moment}: {found.problems}"
    log = open_log(ctx)
    asked = pending(log) == 1 or ctx.gate.resolve(ANN) is None
    assert check(ctx, ANN, purpose="analytics").permitted != asked, f"{moment}: half-done is seen"
    if pending(log) == 0 and asked:
        assert found.living == 1, moment
    if not asked:  # never requested: nothing was acknowledged
        erase(ctx, [ANN])
    else:
        erase(ctx, [])
    found = verify_workspace(ctx)
    assert found.ok, f"{moment}, then finished: {found.problems}"
    assert (found.living, pending(log), len(Tombstones(log.keyring.folder, log.keyring).read().erased)) == (1, 0, 1)
    assert check(ctx, BEN, purpose="analytics").permitted, moment
    assert len(set(rows_of(ctx))) == 1, moment
    assert len(list(ctx.workspace.archive.iterdir())) == 2, moment
    with log.read() as reader:
        assert erased_since_ratchet(reader) == 0, moment
    assert len(log.keyring.every("kek")) == 1, f"{moment}: an old key that opens backups is left"
    published = [entry.fields["leaves"] for entry in ctx.ledger.entries("erased")]
    assert published == [2], moment
