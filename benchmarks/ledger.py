"""The ledger's own speed, as ratios to raw `sqlite3` inserts of the same bytes: pairs taken in turn, medians.

Both sides write to the same kind of database (WAL, synchronous FULL, the same tables and indexes, no triggers on the
raw side) on the same disk, and both end with a durable commit.

    storage   entries whose leaves are given: leaf hashes, tree, tile roots and the sealed head, 1,000 a transaction
    full      a person's entry from its statement and envelope: canonical JSON, HMAC link and blind, commitment,
              AES-256-GCM payload, subject's key opened and its counter written back (sealed), Merkle, head; 1,000 a
              transaction, ten each of a hundred people who are known
    strangers the same with another of a thousand known people for each entry
    projected the same as `strangers` with the consent state that follows from everything the person said so far
    single    one entry a transaction, about the system, checkpoints signed outside as the log does while it goes on
    person    the same, about another known person each time: her key opened, her counter written back

Usage: uv run python benchmarks/ledger.py [--pairs 9] [--leaves 1000000] [--json]
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.appender import Appender
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.head import HeadMemory, load_head, save_head
from imp_consent.ledger.log import Log, create_log
from imp_consent.ledger.merkle import Frontier, check_inclusion, leaf_hash
from imp_consent.ledger.store import connect, transaction
from imp_consent.ledger.transaction import Projection, Transaction
from imp_consent.policy.project import project
from imp_core.clock import SystemClock
from imp_core.event import RawId
from imp_core.ports import Json
from imp_core.randomness import SeededRandomness

BATCH = 1_000
SINGLES = 50
GRANT = Statement(type="grant", purpose="marketing.email", channel="email", at_us=1_760_000_000_000_000)
ENVELOPE: dict[str, Json] = {
    "actor": "importer",
    "surface": "import",
    "evidence": "form 7",
    "recorded": 1_760_000_000_000_001,
}
RAW_TABLES = """
PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
CREATE TABLE entry (seq INTEGER PRIMARY KEY, leaf BLOB NOT NULL, leaf_hash BLOB NOT NULL);
CREATE TABLE payload (seq INTEGER PRIMARY KEY, subject INTEGER NOT NULL, nonce BLOB NOT NULL, ciphertext BLOB NOT NULL);
CREATE INDEX ix_payload_subject ON payload (subject);
CREATE INDEX ix_entry_system ON entry (seq) WHERE substr(leaf, 1, 9) = x'7b226163746f72223a';
"""


def nothing(_: Transaction, __: int) -> None:
    """No projection."""


@contextmanager
def new_log(folder: Path, name: str, projection: Projection) -> Iterator[Log]:
    """A fresh ledger."""
    keyring = Keyring.create(folder / f"{name}-keys", name)
    create_log(folder / f"{name}.db", keyring, name)
    log = Log(
        folder / f"{name}.db", keyring, log_id=name, clock=SystemClock(), randomness=SeededRandomness(1),
        actor="benchmark", projection=projection,
    )  # fmt: skip
    with closing(log):
        yield log


class Raw:
    """Plain inserts of bytes that the ledger wrote."""

    def __init__(self, path: Path) -> None:
        self.sql = sqlite3.connect(path, isolation_level=None)
        self.sql.executescript(RAW_TABLES)

    def insert(self, entries: list[Any], payloads: list[Any]) -> None:
        """One transaction."""
        self.sql.execute("BEGIN IMMEDIATE")
        self.sql.executemany("INSERT INTO entry VALUES (?, ?, ?)", entries)
        if payloads:
            self.sql.executemany("INSERT INTO payload VALUES (?, ?, ?, ?)", payloads)
        self.sql.execute("COMMIT")


def timed(function: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def written_since(log: Log, size: int) -> tuple[list[Any], list[Any]]:
    """The rows of the entries from `size` on."""
    with log.read() as reader:
        entries = reader.sql.execute("SELECT seq, leaf, leaf_hash FROM entry WHERE seq >= ?", (size,)).fetchall()
        payloads = reader.sql.execute(
            "SELECT seq, subject, nonce, ciphertext FROM payload WHERE seq >= ?", (size,)
        ).fetchall()
    return entries, payloads


def pairs_of(count: int, folder: Path, log: Log, write: Callable[[int], object]) -> dict[str, float]:
    """`count` pairs of a batch written by the ledger and its rows inserted plainly, whoever goes first in turn."""
    raw = Raw(folder / f"{log.log_id}-raw.db")
    ours: list[float] = []
    plain: list[float] = []
    write(-1)
    for number in range(count):
        size = log.size
        ours.append(timed(lambda number=number: write(number)))  # type: ignore[misc]  # a default binds the loop's value
        entries, payloads = written_since(log, size)
        plain.append(timed(lambda rows=(entries, payloads): raw.insert(*rows)))  # type: ignore[misc]  # as above
    raw.sql.close()
    return ratio(ours, plain, len(entries))


def ratio(ours: list[float], plain: list[float], rows: int) -> dict[str, float]:
    """The median of the pairs' ratios, and µs a row of both sides."""
    return {
        "ratio": statistics.median(b / a for a, b in zip(ours, plain, strict=True)),
        "least": min(b / a for a, b in zip(ours, plain, strict=True)),
        "most": max(b / a for a, b in zip(ours, plain, strict=True)),
        "us_a_row": statistics.median(ours) / rows * 1e6,
        "raw_us_a_row": statistics.median(plain) / rows * 1e6,
    }


def storage(folder: Path, pairs: int) -> dict[str, float]:
    """Entry, node and head, from leaves that are given."""
    leaves = [b'{"commit":"%064d","day":20000,"link":"%064d","v":1}' % (n, n) for n in range(BATCH)]
    with new_log(folder, "storage", nothing) as log:
        sql, key = connect(folder / "storage.db"), log.keyring.active("row").secret
        remembered = HeadMemory()  # as the log has one

        def write(_: int) -> None:
            with transaction(sql, write=True):
                head = remembered.load(sql, lambda _: key)
                was = head.frontier.size
                appender = Appender(sql, head)
                for leaf in leaves:
                    appender.append(leaf)
                appender.flush()
                remembered.save(sql, key, head, was_size=was)

        result = pairs_of(pairs, folder, log, write)
        sql.close()
        return result


def people(folder: Path, pairs: int, name: str, *, each: int, projection: Projection) -> dict[str, float]:
    """A batch of entries of people who are known, `each` of every one."""
    with new_log(folder, name, projection) as log:
        with log.write() as opened:
            subjects = [opened.subject_for(RawId("member", f"m{n}")) for n in range(BATCH // each)]

        def write(_: int) -> None:
            with log.write() as opened:
                for n in range(BATCH):
                    opened.append_person(subjects[n % len(subjects)], GRANT, ENVELOPE)

        log.sign_unsigned = lambda: None  # type: ignore[method-assign]  # the raw side signs nothing either
        return pairs_of(pairs, folder, log, write)


def singles(folder: Path, pairs: int, name: str, append: Callable[[Transaction, int], object]) -> dict[str, float]:
    """One entry a transaction, signed as a log that stays open signs."""
    raw = Raw(folder / f"{name}-raw.db")
    ours: list[float] = []
    plain: list[float] = []
    with new_log(folder, name, nothing) as log:
        with log.write() as opened:
            subjects = [opened.subject_for(RawId("member", f"m{n}")) for n in range(SINGLES)]

        def write() -> None:
            for subject in subjects:
                with log.write() as opened:
                    append(opened, subject)

        write()
        for _ in range(pairs):
            size = log.size
            ours.append(timed(write))
            entries, payloads = written_since(log, size)
            rows = [([entry], payloads[n : n + 1]) for n, entry in enumerate(entries)]
            plain.append(timed(lambda rows=rows: insert_each(raw, rows)))  # type: ignore[misc]  # a default binds the loop's value
    raw.sql.close()
    return ratio(ours, plain, SINGLES)


def about_the_system(opened: Transaction, _: int) -> None:
    """An entry as a use leaves it."""
    opened.append_system("use-close", {"use": 7, "readout": "0" * 64, "proof": None, "counts": {"admitted": 12160}})


def about_a_person(opened: Transaction, subject: int) -> None:
    """A person's entry."""
    opened.append_person(subject, GRANT, ENVELOPE)


def insert_each(raw: Raw, rows: list[tuple[list[Any], list[Any]]]) -> None:
    """Every entry in a transaction of its own."""
    for entry, payload in rows:
        raw.insert(entry, payload)


def proofs(folder: Path, leaves: int) -> dict[str, float]:
    """Inclusion proofs from the database, each in a snapshot of its own; and the tree's own speed."""
    hashes = [leaf_hash(b"%d" % n) for n in range(leaves)]
    tree_s = timed(lambda: Frontier().extend(hashes))
    with new_log(folder, "proofs", nothing) as log:
        sql, key = connect(folder / "proofs.db"), log.keyring.active("row").secret
        with transaction(sql, write=True):
            head = load_head(sql, key)
            appender = Appender(sql, head)
            for n in range(leaves):
                appender.append(b"%d" % n)
            appender.flush()
            save_head(sql, key, head, was_size=0)
        sql.close()
        taken: list[float] = []
        log.checkpoint()
        for n in range(1_000):
            seq = n * 7_919_993 % leaves
            with log.read() as reader:
                began = time.perf_counter()
                proof = reader.prove_inclusion(seq)
                taken.append(time.perf_counter() - began)
                if not check_inclusion(hashes[seq], seq, leaves, proof, reader.root_at(leaves)):
                    raise SystemExit("a proof does not hold")
    taken.sort()
    return {
        "leaves": leaves,
        "median_ms": taken[500] * 1e3,
        "p99_ms": taken[989] * 1e3,
        "merkle_us_a_leaf": tree_s / leaves * 1e6,
    }


def main() -> None:
    """Run all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--leaves", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result = {
            "storage": storage(folder, options.pairs),
            "full": people(folder, options.pairs, "full", each=10, projection=nothing),
            "projected": people(folder, options.pairs, "projected", each=1, projection=project),
            "strangers": people(folder, options.pairs, "strangers", each=1, projection=nothing),
            "single": singles(folder, options.pairs, "single", about_the_system),
            "person": singles(folder, options.pairs, "person", about_a_person),
            "proofs": proofs(folder, options.leaves),
        }
    if options.json:
        print(json.dumps(result))
        return
    for what, figures in result.items():
        print(f"{what:10} " + "  ".join(f"{key} {value:,.3f}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
