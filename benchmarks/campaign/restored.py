"""A restore, killed anywhere: a shop is backed up, goes on, is killed and loses its database; then a restore is tried.

Each scene's writer is killed at another moment, and each restore finds the database lost, damaged, cut or older. After
the kill it is restored to its end, and what docs/backups.md promises must hold (`restored_check.py`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.campaign import children
from benchmarks.campaign.acks import Attempt
from benchmarks.campaign.check import unsound
from benchmarks.campaign.children import Crashed
from benchmarks.campaign.deeds import DEEDS, do, do_for_ever
from benchmarks.campaign.desk import desk_for
from benchmarks.campaign.furnished import Furnished
from benchmarks.campaign.people import answers, people_of
from benchmarks.campaign.report import Report
from benchmarks.campaign.restored_check import Before, go_on, lost_in_restore
from benchmarks.campaign.shop import Shop
from benchmarks.campaign.sweep import BEYOND, killed_after, length_of
from imp_consent.commands.backup import backup
from imp_consent.commands.restore import restore
from imp_consent.plane.restore import Restored
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.errors import CheckFailed, KeysUnusable
from imp_core.event import RawId

__all__ = ["DAMAGES", "Scene", "backup_of", "damage", "restore_told", "restored", "scene", "sweep_restore"]

# Every deed that a shop goes on with; a backup from before the row key was changed is refused, so that one not.
_SINCE: Final = {deed: 3 if deed in {"record", "ingest", "accept", "erase"} else 1 for deed in DEEDS}
_NOT_SINCE: Final = "rotate-row"
_KILLS_A_SCENE: Final = 4
_LONGEST_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Scene:
    """A shop that went on after its backup, and what is known of both moments."""

    furnished: Furnished
    before: Before


def sweep_restore(ready: Furnished, folder: Path, report: Report, *, kills: int) -> None:
    """Kill a restore so many times, at moments spread evenly over its length."""
    chance, kinds = Random(f"{report.seed} restore"), list(DAMAGES)
    for number in range(kills):
        round_, within = divmod(number, _KILLS_A_SCENE)
        kind = kinds[(within + round_) % len(kinds)]
        if not within:
            acted = scene(ready, folder / "scene", chance)
            whole = _damaged(acted, folder, kind)
            seconds = length_of(partial(restore_told, whole))
        trial, share = _damaged(acted, folder, kind), within / _KILLS_A_SCENE + round_ / kills
        place = f"restore, {kind}, kill {number} of {kills}"
        report.find(place, killed_after(BEYOND * seconds * share, partial(restore_told, trial)))
        report.add("kills in sweeps", 1)
        report.add("kills of a restore", 1)
        report.add("deeds cut in sweeps", int(trial.attempts()[-1].answer is None))
        report.find(place, restored(trial, acted.before, trial.attempts()))
        if report.problems:
            return
        report.progress(place)


def scene(ready: Furnished, folder: Path, chance: Random) -> Scene:
    """Back a copy of the shop up, let a writer go on, and kill it at a random moment."""
    furnished = ready.copy(folder)
    told = furnished.attempts()
    at_backup = children.run(lambda: _back_up(furnished), quiet=False)
    seed, seconds = str(chance.random()), chance.uniform(0.1, _LONGEST_S)
    found = killed_after(seconds, lambda: _go_on(furnished, seed))
    if found:
        raise Crashed(*found)
    known = children.run(lambda: _known(furnished), quiet=False)
    return Scene(furnished, Before(told=len(told), at_backup=at_backup, **known))


def backup_of(shop: Shop) -> Path:
    """Where a shop's backup lies."""
    return shop.folder / "backup.db"


def damage(shop: Shop, kind: str) -> None:
    """Lose a database, in one of the ways of `DAMAGES`."""
    DAMAGES[kind](shop)
    for end in ("-wal", "-shm"):
        (shop.root / f"ledger.db{end}").unlink(missing_ok=True)


def restore_told(trial: Furnished) -> None:
    """Restore to the end, and tell."""
    with trial.shop.opened() as ctx:
        desk = desk_for(ctx, trial.acks, "restorer", seed="")
        with desk.teller.trying("restore") as answer:
            answer["seq"] = _restore(ctx, trial.shop).seq


def restored(trial: Furnished, before: Before, attempts: list[Attempt]) -> list[str]:
    """In a process of its own: restored to its end, it holds what is promised; and so it does when somebody goes on."""

    def work() -> list[str]:
        found = _to_its_end(trial.shop, attempts)
        with trial.shop.opened() as ctx:
            found += lost_in_restore(ctx, before, attempts)
        found += unsound(trial.shop)
        return found or go_on(trial.shop, trial.acks.with_name("after-acks"), before, attempts)

    try:
        return list(children.run(work, quiet=False))
    except Crashed as crash:
        return [str(crash)]


def _damaged(acted: Scene, folder: Path, kind: str) -> Furnished:
    trial = acted.furnished.copy(folder / "swept")
    damage(trial.shop, kind)
    return trial


def _restore(ctx: Context, shop: Shop) -> Restored:
    """As whoever reads what it says: an older database whose keys are destroyed is moved away first."""
    try:
        return restore(ctx, backup_of(shop), execute=True)
    except KeysUnusable as error:
        if "move ledger.db away" not in (error.mend or ""):
            raise
        (shop.root / "ledger.db").rename(shop.folder / "moved.db")
        return restore(ctx, backup_of(shop), execute=True)


def _to_its_end(shop: Shop, attempts: list[Attempt]) -> list[str]:
    """Restore once more; where that was answered before, the ledger must be in its place."""
    told = any(attempt.deed == "restore" and attempt.answer is not None for attempt in attempts)
    with shop.opened() as ctx:
        try:
            _restore(ctx, shop)
        except CheckFailed as refused:
            return [] if refused.what.startswith("the present ledger is sound") else [str(refused)]
    return ["a restore was answered, and the ledger was not in its place"] if told else []


def _back_up(furnished: Furnished) -> dict[str, str]:
    with furnished.shop.opened() as ctx:
        backup(ctx, backup_of(furnished.shop))
        found = answers(ctx, people_of(furnished.attempts()))
    desk = furnished.desk("signed since")  # however soon the writer is killed: else nothing tells the backup's age
    desk.name = "signed-since"
    for deed in ("append", "checkpoint"):
        do(desk, deed)
    desk.ctx.close()
    return found


def _go_on(furnished: Furnished, seed: str) -> None:
    desk = furnished.desk(seed)
    desk.name = "since"
    do_for_ever(desk, {deed: weight for deed, weight in _SINCE.items() if deed != _NOT_SINCE})


def _known(furnished: Furnished) -> dict[str, object]:
    """What is there before the database is lost: entries, whose they are, and how far they are signed."""
    shop, chains = furnished.shop, {}
    with shop.opened() as ctx:
        with open_log(ctx).read() as reader:
            leaves = [leaf.hex() for (leaf,) in reader.sql.execute("SELECT leaf FROM entry ORDER BY seq")]
            for name in people_of(furnished.attempts()):
                subject = reader.find_subject(RawId("member", name))
                if subject is not None:
                    chains[name] = [entry.seq for entry in reader.history(subject)]
            erasing = reader.sql.execute("SELECT count(*) FROM erasure").fetchone()[0] > 0
            erased = max((entry.seq for entry in reader.system_entries("erased")), default=-1)
        outside = open_log(ctx).outside()
    with closing(sqlite3.connect(backup_of(shop))) as sql:
        (backed_up,) = sql.execute("SELECT count(*) FROM entry").fetchone()
    signed = outside.size if outside else 0
    erasing |= erased >= signed
    return {"leaves": leaves[:signed], "chains": chains, "backed_up": backed_up, "erasing": erasing}


def _overwrite(shop: Shop) -> None:
    (shop.root / "ledger.db").write_bytes(b"no database")


def _halve(shop: Shop) -> None:
    path = shop.root / "ledger.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _put_back(shop: Shop) -> None:
    (shop.root / "ledger.db").write_bytes(backup_of(shop).read_bytes())


DAMAGES: Final[Mapping[str, Callable[[Shop], None]]] = {
    "lost": lambda shop: (shop.root / "ledger.db").unlink(),
    "overwritten": _overwrite,
    "cut in half": _halve,
    "older": _put_back,
}
