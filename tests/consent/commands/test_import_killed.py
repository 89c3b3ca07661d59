"""An import killed before each of its writes: whole or not at all, in parts whole parts; and again makes it whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from imp_consent.audit.verify import verify
from imp_consent.commands import taking
from imp_consent.commands.importer import import_file
from imp_consent.runtime import open_log
from imp_core.clock import SimulatedClock, parse_time
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.randomness import SeededRandomness

_PEOPLE = 6
# Killed between two writes of one transaction nothing but its rollback follows: of those, one in so many.
_ONE_IN = int(os.environ.get("IMP_CRASH_STRIDE", "9"))


def at(folder: Path) -> Context:
    environ = {"IMP_HOME": str(folder / "workspace"), "IMP_KEYS": str(folder / "keys"), "IMP_ACTOR": "tester"}
    clock = SimulatedClock(parse_time("2026-03-01T12:00:00Z"))
    return Context(environ=environ, directory=folder, clock=clock, randomness=SeededRandomness(2))


def entries(ctx: Context) -> list[int]:
    with open_log(ctx).read() as reader:
        people = [reader.find_subject(RawId("member", str(n))) for n in range(1, _PEOPLE + 1)]
        return [0 if who is None else len(reader.history(who)) for who in people]


@pytest.mark.parametrize("in_parts", [False, True])
def test_killed_before_any_write_no_part_is_half_done_and_again_records_the_rest_once(
    shop: Context, killer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, in_parts: bool
) -> None:
    shop.close()
    monkeypatch.setattr(taking, "PART", 2)
    path = tmp_path / "c.csv"
    said = "".join(f"member:{n},analytics,refused,2026-01-01T10:00:00Z\n" for n in range(1, _PEOPLE + 1))
    path.write_text(f"identifier,purpose,state,at\n{said}")

    def copy(name: str) -> Path:
        target = tmp_path / "places" / name
        shutil.rmtree(target, ignore_errors=True)
        for part in ("workspace", "keys"):
            shutil.copytree(tmp_path / part, target / part)
        return target

    def work(folder: Path) -> None:
        ctx = at(folder)
        import_file(ctx, path, rejects_path=folder / "rejects.csv", in_parts=in_parts)
        ctx.close()

    whole = copy("whole")
    points = killer.points(lambda: work(whole))
    rows = [what.startswith(("INSERT", "UPDATE", "DELETE")) for what in points]
    seen = set()
    for point, what in enumerate(points):
        if rows[point] and rows[point - 1] and point % _ONE_IN:
            continue
        folder = copy("killed")
        killer.kill_before(point, lambda folder=folder: work(folder))
        ctx = at(folder)
        left = entries(ctx)
        seen.add(sum(left))
        assert left == sorted(left, reverse=True), f"killed before {point}, {what}"
        assert sum(left) in (range(0, _PEOPLE + 1, 2) if in_parts else (0, _PEOPLE)), f"killed before {point}, {what}"
        import_file(ctx, path, rejects_path=folder / "rejects.csv", in_parts=in_parts)
        assert entries(ctx) == [1] * _PEOPLE, f"killed before {point}, {what}, then again"
        assert verify(ctx.workspace, open_log(ctx).keyring).problems == ()
        ctx.close()
    assert seen == ({0, 2, 4, 6} if in_parts else {0, 6})
