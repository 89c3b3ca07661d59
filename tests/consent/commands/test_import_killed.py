"""An import killed before each of its writes: whole or not at all, in parts whole parts; and again makes it whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from imp_consent.audit.verify import verify
from imp_consent.commands import taking
from imp_consent.commands.imported import file_sha256, find_earlier
from imp_consent.commands.importer import import_file, rows_source
from imp_consent.runtime import open_log
from imp_core.clock import SimulatedClock, parse_time
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.randomness import SeededRandomness

_WHOSE = (7, 8, 1, 2, 1, 3, 4, 3, 5, 6)  # the rows' people: some come again in a later row
_FAULTY = frozenset({1, 2, 4, 10})  # a whole part of them comes first, and the last part is one
# Killed between two writes of one transaction nothing but its rollback follows: of those, one in so many.
_ONE_IN = int(os.environ.get("IMP_CRASH_STRIDE", "9"))


def at(folder: Path) -> Context:
    environ = {"IMP_HOME": str(folder / "workspace"), "IMP_KEYS": str(folder / "keys"), "IMP_ACTOR": "tester"}
    clock = SimulatedClock(parse_time("2026-03-01T12:00:00Z"))
    return Context(environ=environ, directory=folder, clock=clock, randomness=SeededRandomness(2))


def recorded(ctx: Context) -> list[int]:
    """The numbers of the rows that are recorded, as the evidence of each entry names it."""
    with open_log(ctx).read() as reader:
        people = [reader.find_subject(RawId("member", str(n))) for n in range(1, 9)]
        found = [entry for who in people if who is not None for entry in reader.history(who)]
        return sorted(int(str(entry.payload["evidence"]).rpartition("#")[2]) for entry in found)


@pytest.mark.parametrize("in_parts", [False, True])
def test_killed_before_any_write_no_part_is_half_done_and_again_records_the_rest_once(
    shop: Context, killer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, in_parts: bool
) -> None:
    shop.close()
    monkeypatch.setattr(taking, "PART", 2)
    path = tmp_path / "c.csv"
    said = "".join(
        f"member:{who},{'unheard-of' if n in _FAULTY else 'analytics'},refused,2026-01-01T10:00:{n:02}Z\n"
        for n, who in enumerate(_WHOSE, 1)
    )
    path.write_text(f"identifier,purpose,state,at\n{said}")
    good = [n for n in range(1, len(_WHOSE) + 1) if n not in _FAULTY]
    states = [[], [3, 5], [3, 5, 6, 8], good] if in_parts else [[], good]

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
    seen = []
    for point, what in enumerate(points):
        if rows[point] and rows[point - 1] and point % _ONE_IN:
            continue
        folder, name = copy("killed"), f"killed before {point}, {what}"
        killer.kill_before(point, lambda folder=folder: work(folder))
        ctx = at(folder)
        left = recorded(ctx)
        assert left in states, name
        seen += [] if left in seen else [left]
        import_file(ctx, path, rejects_path=folder / "rejects.csv", in_parts=in_parts)
        assert recorded(ctx) == good, f"{name}, then again"
        lines = (folder / "rejects.csv").read_text().splitlines()[1:]
        assert [int(line.partition(",")[0]) - 1 for line in lines] == sorted(_FAULTY), f"{name}, then again"
        with open_log(ctx).read() as reader:
            noted = find_earlier(reader, file_sha256(path), rows_source(path, None, now_us=0).mapping)
        assert (noted.rows, noted.through, noted.left) == (len(good), None, _FAULTY), f"{name}, then again"
        assert verify(ctx.workspace, open_log(ctx).keyring).problems == ()
        ctx.close()
    assert seen == states
