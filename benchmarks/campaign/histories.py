"""Random histories of people, asked of the gate in all its forms and of an oracle that shares no code with it.

People say everything that can be said: every type of entry, about a tree of purposes, on channels and on none, dated
back and forth, while notices and purposes change under them. A history is what one person said; each is asked about at
random event times and ledger sizes: `decide_in` (point), `decide_many` (chunks), and the SQL over rectangles (set),
against `tests/consent/policy/slow_fold.py`. Usage:

uv run poe campaign-histories [--histories 100000] [--town 1000] [--processes 2] [--seed 1] [--json]
"""

from __future__ import annotations

import importlib.util
import random
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pyarrow as pa

from benchmarks.campaign.report import Report, arguments, publish
from benchmarks.campaign.sayings import CHANNELS, PURPOSES, random_statement
from imp_consent.gate import decide_in, decide_many
from imp_consent.gate.frames import PASSING_SQL, REFUSED_SQL, rectangles
from imp_consent.gate.stage import not_covered, stage
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.log import Log, create_log
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.project import project
from imp_core.clock import SimulatedClock, parse_time
from imp_core.event import RawId
from imp_core.gate import Action, Use
from imp_core.randomness import SeededRandomness

Told = Any  # what the oracle, which is no module of a package, makes and answers
_MOST = 8  # statements of one person
_POINTS = 4  # point questions about each
_ROWS = 4  # rows of the archive of each


@dataclass
class Town:
    """People in a ledger of their own, and a clerk with each one's file."""

    subjects: list[int] = field(default_factory=list)
    clerks: list[Any] = field(default_factory=list)
    first: int = 0
    size: int = 0


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign; 1 where a form answers otherwise than the oracle."""
    parser = arguments(__doc__)
    parser.add_argument("--histories", type=int, default=100_000)
    parser.add_argument("--town", type=int, default=1_000, help="people in one ledger")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args(words)
    report = Report("histories", seed=chosen.seed)
    with report.folder(chosen.folder) as folder:
        tasks = []
        for number, start in enumerate(range(0, chosen.histories, chosen.town)):
            people = min(chosen.town, chosen.histories - start)
            tasks.append((folder / f"town-{number}", f"{chosen.seed}-{number}", people))
        with ProcessPoolExecutor(chosen.processes, mp_context=get_context("spawn")) as pool:
            for done, (counts, problems) in enumerate(pool.map(_visit, tasks), start=1):
                report.counts.update(counts)
                report.problems += problems
                report.progress(f"{done} of {len(tasks)} towns")
    return publish(report, as_json=chosen.json)


def _visit(task: tuple[Path, str, int]) -> tuple[Counter[str], list[str]]:
    """Settle one town and ask about everybody; what was counted, and what differs."""
    folder, seed, people = task
    draw = random.Random(seed)
    folder.mkdir()
    keyring = Keyring.create(folder / "keys", "log-1")
    create_log(folder / "ledger.db", keyring, "log-1")
    log = Log(
        folder / "ledger.db", keyring, log_id="log-1", clock=SimulatedClock(parse_time("2026-03-01T12:00:00Z")),
        randomness=SeededRandomness(1), actor="campaign", projection=project,
    )  # fmt: skip
    counts: Counter[str] = Counter()
    problems: list[str] = []
    with log.write() as transaction:
        town = _settle(transaction, draw, people, counts)
    with log.read() as reader:
        problems += _ask_points(reader, town, draw, counts)
        problems += _ask_chunks(reader, town, draw, counts)
        problems += _ask_sets(reader, town, draw, counts)
    log.close()
    if not problems:
        for file in sorted(folder.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        folder.rmdir()
    return counts, [f"town {seed}: {problem}" for problem in problems]


def _settle(transaction: Transaction, draw: random.Random, people: int, counts: Counter[str]) -> Town:
    fold = _oracle()
    town = Town(first=transaction.size)
    files: list[list[Any]] = [[] for _ in range(people)]
    changes: list[Any] = []
    town.subjects = [transaction.subject_for(RawId("member", f"m{person}")) for person in range(people)]
    speakers = [person for person in range(people) for _ in range(draw.randint(1, _MOST))]
    draw.shuffle(speakers)
    every = max(len(speakers) // 6, 1)
    now_us = transaction.now_us
    for number, person in enumerate(speakers):
        if number % every == every - 1:
            at, purpose, itself = draw.randint(0, 12), draw.choice(PURPOSES), draw.random() < 0.5
            transaction.now_us = at
            seq = transaction.append_system("policy" if itself else "notice", {"material": [purpose]})
            transaction.now_us = now_us
            changes.append(fold.Change(seq, purpose, at, itself))
        said = random_statement(draw, [line.seq for line in files[person]])
        seq = transaction.append_person(town.subjects[person], said, {})
        files[person].append(_line(fold, seq, said))
        counts[f"said: {said.type}"] += 1
    counts["histories"] += people
    counts["statements"] += len(speakers)
    town.clerks = [fold.Clerk(file, changes) for file in files]
    town.size = transaction.size
    return town


def _ask_points(reader: Reader, town: Town, draw: random.Random, counts: Counter[str]) -> list[str]:
    problems = []
    for person, subject in enumerate(town.subjects):
        for _ in range(_POINTS):
            purpose, channel, at, size = _point(town, draw)
            use = Use(purpose=purpose, action=Action.COLLECT, subject=subject, channel=channel or None)
            decided = decide_in(reader, use, at_us=at, known_at=size)
            right = town.clerks[person].answer(purpose, channel, at, size)
            counts["points asked"] += 1
            counts[f"answered: {right.reason}"] += 1
            entries = () if right.seq is None else (right.seq,)
            if (decided.reason, decided.entries[:1]) != (right.reason, entries):
                place = f"person {person}, {purpose} on {channel or 'none'} at {at}, size {size}"
                problems.append(f"point: {place}: {decided.reason} {decided.entries}, not {right}")
    return problems


def _ask_chunks(reader: Reader, town: Town, draw: random.Random, counts: Counter[str]) -> list[str]:
    problems, fold = [], _oracle()
    purpose, channel, now, size = _point(town, draw)
    rows = [(person, draw.randint(-1, 20)) for person in range(len(town.subjects))]
    decided = decide_many(
        reader, [town.subjects[person] for person, _ in rows], [at for _, at in rows], purpose=purpose,
        channel=channel or None, now_us=now, size=size,
    )  # fmt: skip
    for (person, at), reason in zip(rows, decided.reasons, strict=True):
        clerk = town.clerks[person]
        right = _stricter(fold, clerk.answer(purpose, channel, at, size), clerk.answer(purpose, channel, now, size))
        counts["rows asked in chunks"] += 1
        if reason != right:
            problems.append(f"chunk: person {person}, {purpose} on {channel or 'none'} at {at}: {reason}, not {right}")
    return problems


def _ask_sets(reader: Reader, town: Town, draw: random.Random, counts: Counter[str]) -> list[str]:
    problems, fold = [], _oracle()
    purpose, channel, read, n = _point(town, draw)
    rows = [
        (person, draw.randint(-1, 20), draw.randint(town.first, n))
        for person in range(len(town.subjects))
        for _ in range(_ROWS)
    ]
    passing, refused = _sets(reader, town, rows, purpose, channel, read, n)
    for row, (person, at, intake) in enumerate(rows):
        clerk = town.clerks[person]
        right = _stricter(fold, clerk.answer(purpose, channel, at, intake), clerk.answer(purpose, channel, read, n))
        told = refused.get(row, "passes")
        counts["rows asked in sets"] += 1
        if (row in passing) == (row in refused) or told != ("passes" if right in {"given", "basis"} else right):
            place = f"person {person}, {purpose} on {channel or 'none'} at {at}, taken in at {intake}"
            problems.append(f"set: {place}, read {read} at {n}: {told}, not {right}")
    return problems


def _sets(  # noqa: PLR0917 (the words of the question, once)
    reader: Reader, town: Town, rows: list[tuple[int, int, int]], purpose: str, channel: str, read: int, n: int
) -> tuple[set[int], dict[int, str]]:
    archive = pa.table(
        {
            "row": list(range(len(rows))),
            "subject": [town.subjects[person] for person, _, _ in rows],
            "event_us": [at for _, at, _ in rows],
            "intake_seq": [intake for _, _, intake in rows],
        }
    )
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        connection.register("archive_row", archive)
        allowed = rectangles(reader, purpose, channel or None, size=n)
        stage(
            connection, allowed, read_us=read, n=n,
            explain=lambda subjects: not_covered(reader, purpose, subjects, connection, size=n),
        )  # fmt: skip
        passing = {row for (row,) in connection.execute(f"SELECT row FROM ({PASSING_SQL})").fetchall()}
        refused = connection.execute(f"SELECT row, decided FROM ({REFUSED_SQL})").fetchall()
    return passing, dict(refused)


def _point(town: Town, draw: random.Random) -> tuple[str, str, int, int]:
    """A purpose, a channel, an event time and a ledger size, more often the last one."""
    size = town.size if draw.random() < 0.7 else draw.randint(town.first, town.size)
    return draw.choice([*PURPOSES, "never.named"]), draw.choice(CHANNELS), draw.randint(-1, 20), size


def _stricter(fold: ModuleType, one: Told, other: Told) -> str:
    return str(max(one.reason, other.reason, key=fold.STRICTER.index))


def _line(fold: ModuleType, seq: int, said: Statement) -> Told:
    more = ("covers", "traits", "consent", "bundled", "informed", "by", "basis", "lifts", "needs", "corrects")
    return fold.Line(
        seq, said.type, said.purpose, said.channel, said.at_us, said.until_us, **{n: getattr(said, n) for n in more}
    )


def _oracle() -> ModuleType:
    """The slow fold, from the tests' folder."""
    if "slow_fold" not in sys.modules:
        path = Path(__file__).resolve().parent.parent.parent / "tests" / "consent" / "policy" / "slow_fold.py"
        spec = importlib.util.spec_from_file_location("slow_fold", path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules["slow_fold"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["slow_fold"]


if __name__ == "__main__":
    sys.exit(main())
