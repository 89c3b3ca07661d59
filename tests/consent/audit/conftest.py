"""A small workspace with a row in every table, built once and copied for each test that harms it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from imp_consent.audit.verify import Verification, verify
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.delivery import Outcome, conclude, intend
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.inbox import TALLY, seal_event, tally_id
from imp_consent.ledger.log import Log, create_log
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane import archive
from imp_consent.plane.remove import request_erasure, resume
from imp_consent.policy.notice import default_notice, register_notice
from imp_consent.policy.project import project
from imp_consent.policy.purpose import DEFAULT_PURPOSES, register_purposes
from imp_core.clock import DAY_US, SimulatedClock, parse_time
from imp_core.event import RawId
from imp_core.randomness import SeededRandomness
from imp_core.workspace import Workspace

LOG_ID = "audited"
NOW_US = parse_time("2026-03-01T12:00:00Z")


@dataclass(frozen=True)
class Audited:
    """A workspace, its keys, and how to look at it and harm it."""

    root: Path
    keys: Path

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root, {"workspace": {"log_id": LOG_ID, "controller": "Shop"}})

    @property
    def keyring(self) -> Keyring:
        return Keyring.open(self.keys, LOG_ID)

    def verify(self) -> Verification:
        """The audit of this workspace."""
        return verify(self.workspace, self.keyring)

    def codes(self) -> set[str]:
        """The codes of the problems that the audit finds."""
        return {problem.code for problem in self.verify().problems}

    def copy(self, folder: Path) -> Audited:
        """The same workspace and keys somewhere else."""
        shutil.copytree(self.root, folder / "workspace")
        shutil.copytree(self.keys, folder / "keys")
        return Audited(folder / "workspace", folder / "keys")

    @contextmanager
    def sql(self) -> Iterator[sqlite3.Connection]:
        """The database as an intruder has it: without the triggers, which are put back afterwards."""
        sql = sqlite3.connect(self.root / "ledger.db", isolation_level=None)
        sql.execute("PRAGMA synchronous = OFF")
        try:
            sql.execute("BEGIN")
            triggers = sql.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for name, _ in triggers:
                sql.execute(f"DROP TRIGGER {name}")
            yield sql
            for _, text in triggers:
                sql.execute(text)
            sql.execute("COMMIT")
        finally:
            sql.close()

    @contextmanager
    def log(self) -> Iterator[Log]:
        """The ledger as imp opens it."""
        log = Log(
            self.root / "ledger.db",
            self.keyring,
            log_id=LOG_ID,
            clock=SimulatedClock(NOW_US),
            randomness=SeededRandomness(7),
            actor="tester",
            projection=project,
        )
        try:
            yield log
        finally:
            log.close()


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """Six people: two with consent, one who withdrew, one who refused, one erased, one whose erasure is under way."""
    folder = tmp_path_factory.mktemp("audited")
    audited = Audited(folder / "workspace", folder / "keys")
    (audited.root / "archive").mkdir(parents=True)
    keyring = Keyring.create(audited.keys, LOG_ID)
    create_log(audited.root / "ledger.db", keyring, LOG_ID)
    with audited.log() as log:
        subjects = _people(log)
        for batch in (1, 2):
            _collect(log, audited.workspace, batch, subjects)
        request_erasure(log, [subjects["eve"]], {"actor": "self"})
        resume(log, audited.workspace)
        request_erasure(log, [subjects["fay"]], {"actor": "self"}, channels=["mail", "sms"])
        with log.write() as transaction:
            _others(transaction, subjects["ann"])
    return audited


@pytest.fixture
def audited(pristine: Audited, tmp_path: Path) -> Audited:
    """A copy that a test may harm."""
    return pristine.copy(tmp_path)


@pytest.fixture
def another(pristine: Audited, tmp_path: Path) -> Callable[[], Audited]:
    """One copy after the other, for tests that do harm many times."""
    made = 0

    def copy() -> Audited:
        nonlocal made
        made += 1
        shutil.rmtree(tmp_path / str(made - 1), ignore_errors=True)
        return pristine.copy(tmp_path / str(made))

    return copy


def _people(log: Log) -> dict[str, int]:
    subjects: dict[str, int] = {}
    with log.write() as transaction:
        register_purposes(transaction, DEFAULT_PURPOSES)
        notice = register_notice(transaction, default_notice("Shop"))
        for name in ("ann", "ben", "cid", "dan", "eve", "fay"):
            subjects[name] = subject = transaction.subject_for(RawId("member", name))
            type_ = "refuse" if name == "dan" else "grant"
            said = Statement(
                type=type_, purpose="analytics", channel="", at_us=NOW_US - 9 * DAY_US, notice=notice.sha256
            )
            transaction.append_person(subject, said, {"actor": "self"})
    with log.write() as transaction:
        transaction.subject_for(RawId("email", "ann@example.com"))
        for name, type_, channel in (("cid", "withdraw", ""), ("ben", "grant", "mail")):
            said = Statement(type=type_, purpose="analytics", channel=channel, at_us=NOW_US - DAY_US)
            transaction.append_person(subjects[name], said, {"actor": "self"})
    return subjects


def _collect(log: Log, workspace: Workspace, batch: int, subjects: dict[str, int]) -> None:
    people = list(subjects.values())
    with archive.ArchiveWriter(workspace, batch) as writer:
        writer.append(
            {
                "event_id": [f"{batch:016x}{i:016x}" for i in range(len(people))],
                "type": ["outcome"] * len(people),
                "subject": people,
                "event_us": [NOW_US - DAY_US] * len(people),
            }
        )
        written = writer.publish()
    source = archive.sha256_of(b"source %d" % batch)
    with log.write() as transaction:
        seq = transaction.append_system(
            "collect",
            {"batch": batch, "n": written.n, "root": None, "sha256": written.sha256, "source": source},
        )
        archive.insert_batch(transaction, written, source_sha256=source, collect_seq=seq)
        transaction.sealed.insert("dedupe", [(bytes([batch, i]) * 8, batch) for i in range(2)])


def _wait(transaction: Transaction, subject: int) -> None:
    """Events in the inbox: of somebody, of nobody, and the channel's counts."""
    secrets, _ = transaction.subjects.secrets(subject)
    events = [(bytes([7]) * 16, subject, {"name": "a"}), (bytes([8]) * 16, None, {"name": "b"})]
    counts = (tally_id("file"), None, {TALLY: {"duplicates": 2}})
    rows = [
        (id_, "file", of, NOW_US, seal_event(id_, row, secrets=of and secrets, nonce=bytes(12)))
        for id_, of, row in [*events, counts]
    ]
    transaction.sealed.insert("inbox", rows)


def _others(transaction: Transaction, subject: int) -> None:
    use = transaction.append_system("use-open", {"purpose": "analytics", "files": "0" * 64})
    sealed = transaction.sealed
    sealed.insert("lease", [(use, use, json.dumps([1, 2]), NOW_US + DAY_US)])
    _wait(transaction, subject)
    keys, document = [bytes([number]) * 16 for number in range(2)], b'{"name":"spring"}'
    fields = {"channel": "email", "definition": archive.sha256_of(document)}
    intent = intend(transaction, keys, fields, document=document)
    results = {keys[0]: Outcome("accepted", "2.0.0"), keys[1]: Outcome("in_doubt")}
    conclude(transaction, intent, results, channel="email", recovered=False)
    sealed.insert("enrolment_count", [("exp", 1, variant, 20_000, "admitted", 3) for variant in ("a", "b")])
    sealed.insert(
        "spend",
        [
            (20_000, "UTC", "mail", "spring", "", 1, 10, None, 5_000_000, "EUR", NOW_US),
            (20_001, "UTC", "mail", "spring", "", 1, None, 3, 6_000_000, "EUR", NOW_US),
        ],
    )
