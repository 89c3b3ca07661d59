"""Tampering: whatever other hands change at rest is noticed by `imp audit verify`, and nothing else is.

A small shop with a row in every table is harmed in one place, verified and put back, again and again: every field of
every table × {flip, null, swap, delete, insert}, the archive's files, and what is kept outside. An untouched shop is
verified in between: it has no problem. At last, what a thief of the keys can do: rollback, fork and truncation, which
a checkpoint pinned elsewhere refuses, and nothing else can. Usage:

    uv run poe campaign-tamper [--mutations 12000] [--json]
"""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.campaign import children
from benchmarks.campaign.attacks import attacks
from benchmarks.campaign.deeds import DEEDS
from benchmarks.campaign.desk import desk_for
from benchmarks.campaign.furnished import Furnished, furnish
from benchmarks.campaign.mutations import Harm, file_harms, row_harms
from benchmarks.campaign.report import Report, arguments, publish
from benchmarks.campaign.shop import Shop
from imp_consent.ledger.delivery import Outcome, conclude, intend
from imp_consent.plane.archive import sha256_of
from imp_consent.plane.remove import request_erasure
from imp_consent.runtime import open_log, open_view
from imp_core.errors import ImpError
from imp_core.event import RawId
from imp_core.gate import Action, Use

FILES: Final = ("checkpoint", "documents", "leaves", "survivors", "tombstones")
TORN: Final = ("documents", "leaves", "tombstones")  # only ever appended to
_FLIPS = 300  # bytes of each file
_UNTOUCHED = 100  # an untouched shop is verified after so many


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign; 1 where something was not noticed, or something was that is not."""
    parser = arguments(__doc__)
    parser.add_argument("--mutations", type=int, default=12_000)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args(words)
    children.preload()
    report = Report("tampering", seed=chosen.seed)
    with report.folder(chosen.folder) as folder:
        ready = furnish(folder / "ready")
        tables = children.run(lambda: _fill(ready), quiet=False)
        report.find("the shop", [f"{table} is empty" for table, rows in tables.items() if not rows])
        share = chosen.mutations // chosen.processes
        working = [
            children.start(lambda number=number: _harm(ready, folder / f"p{number}", f"{chosen.seed} {number}", share))
            for number in range(chosen.processes)
        ]
        fields: set[str] = set()
        for worker in working:
            said = worker.join()
            report.counts.update(said["counts"])
            fields.update(said["fields"])
            report.find("not noticed", said["unnoticed"])
            report.find("a false alarm", said["false"])
        report.find("attacks", children.run(lambda: attacks(ready.shop, folder / "attacks"), quiet=False))
        report.add("tables", len(tables))
        report.add("fields, tables and kinds of file harmed", len(fields))
    return publish(report, as_json=chosen.json)


def _fill(ready: Furnished) -> dict[str, int]:
    """Something in every table; how many rows each has."""
    desk = desk_for(ready.shop.context(), ready.acks, "more", seed="more")
    log = open_log(desk.ctx)
    for deed in ("record", "record", "import", "ingest", "erase", "import"):
        DEEDS[deed](desk)
    with log.write() as transaction:
        for number in range(260):  # more than a node's worth
            transaction.append_system("access-request", {"number": number})
        keys, document = [bytes([number]) * 16 for number in range(2)], b'{"name":"spring"}'
        fields = {"channel": "email", "definition": sha256_of(document)}
        intent = intend(transaction, keys, fields, document=document)
        outcomes = {keys[0]: Outcome("accepted", "2.0.0"), keys[1]: Outcome("in_doubt")}
        conclude(transaction, intent, outcomes, channel="email", recovered=False)
        spent = [("UTC", "mail", "spring", "", 1, 10, None), ("UTC", "mail", "spring", "", 2, None, 3)]
        now_us = transaction.now_us
        transaction.sealed.insert("spend", [(20_000, *row, 5_000_000, "EUR", now_us) for row in spent])
        subject = transaction.find_subject(RawId("member", desk.people[-1]))
    request_erasure(log, [] if subject is None else [subject], {"actor": "self"}, channels=["mail", "sms"])
    open_view(desk.ctx).open(Use(purpose="analytics", action=Action.ANALYSE))
    DEEDS["accept"](desk)  # a use takes what waits along, so after it
    log.checkpoint()
    with log.read() as reader:
        names = [name for (name,) in reader.sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        counts = {name: reader.sql.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
    desk.ctx.close()
    shutil.rmtree(ready.shop.root / "tmp")
    (ready.shop.root / "tmp").mkdir(mode=0o700)
    return counts


def _harm(ready: Furnished, folder: Path, seed: str, count: int) -> dict[str, Any]:
    """Do harm so many times, each on the shop as it was."""
    chance, counts = Random(seed), Counter[str]()
    fields: set[str] = set()
    unnoticed: list[str] = []
    false: list[str] = []
    shop = ready.shop.copy(folder)
    harms = [*row_harms(shop.root / "ledger.db", chance), *_files(shop, chance)]
    counts["mutations possible"] = len(harms)
    for number, harm in enumerate(_drawn(harms, count, chance)):
        if harm.do(shop.folder):
            counts["mutations"] += 1
            counts[f"mutations: {harm.what}"] += 1
            fields.add(harm.field)
            if not _noticed(shop):
                unnoticed.append(f"{harm.what} {harm.place}")
        _put_back(ready.shop, shop)
        if number % _UNTOUCHED == 0:
            counts["untouched shops verified"] += 1
            false += [str(problem) for problem in shop.verify().problems]
    return {"counts": counts, "fields": sorted(fields), "unnoticed": unnoticed, "false": false}


def _files(shop: Shop, chance: Random) -> list[Harm]:
    archived = sorted((shop.root / "archive").iterdir())
    harms = [harm for path in archived for harm in file_harms(path, shop.folder, chance, flips=_FLIPS)]
    for name in FILES:  # a link to the same bytes is none the worse there, and a power cut may tear the last line
        harms += file_harms(shop.keys / name, shop.folder, chance, flips=_FLIPS, torn=name in TORN, linked=False)
    return harms


def _drawn(harms: list[Harm], count: int, chance: Random) -> list[Harm]:
    """So many, from every kind of harm to every column and file as evenly as can be."""
    kinds: dict[tuple[str, str], list[Harm]] = {}
    for harm in harms:
        kinds.setdefault((harm.what, harm.field), []).append(harm)
    for kind in kinds.values():
        chance.shuffle(kind)
    drawn: list[Harm] = []
    while len(drawn) < count and any(kinds.values()):
        drawn += [kind.pop() for kind in kinds.values() if kind]
    drawn = drawn[:count]
    chance.shuffle(drawn)
    return drawn


def _noticed(shop: Shop) -> bool:
    try:
        return not shop.verify().ok
    except ImpError:
        return True


def _put_back(whole: Shop, harmed: Shop) -> None:
    """Everything as it was."""
    for link in ("elsewhere", "workspace/ledger.db-wal", "workspace/ledger.db-shm"):
        (harmed.folder / link).unlink(missing_ok=True)
    for folder in ("workspace/archive", "keys"):
        for path in (whole.folder / folder).iterdir():
            target = harmed.folder / folder / path.name
            if target.is_symlink():
                target.unlink()
            shutil.copyfile(path, target)
            target.chmod(0o600)
    shutil.copyfile(whole.root / "ledger.db", harmed.root / "ledger.db")


if __name__ == "__main__":
    sys.exit(main())
