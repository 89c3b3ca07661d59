"""A shop's ledger and archive on a standing clock, and the words with which the tests of the plane speak of them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from imp_consent.audit.verify import Verification, verify
from imp_consent.gate import decide_many
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.log import Log, create_log
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane import archive
from imp_consent.plane.compact import Compacted, compact
from imp_consent.plane.inbox import Accepted, accept, channels_waiting
from imp_consent.plane.intake import Decide, IngestResult, Intake, Refuse, SourceFile, Terms, ingest_events
from imp_consent.policy.project import project
from imp_consent.policy.purpose import DEFAULT_PURPOSES, register_purposes
from imp_consent.policy.saying import Saying
from imp_consent.signals.inbound import UNNAMED
from imp_core.clock import DAY_US, SimulatedClock
from imp_core.event import EventType, RawEvent, RawId
from imp_core.randomness import SeededRandomness
from imp_core.workspace import Workspace

PURPOSES = frozenset(purpose.name for purpose in DEFAULT_PURPOSES)


@dataclass
class Shop:
    """A workspace with its ledger. `now` is the clock's; people are `member:` identifiers."""

    root: Path
    keys: Path
    clock: SimulatedClock
    log: Log
    terms: Terms = field(default_factory=lambda: Terms(channel="web", purposes=PURPOSES))
    sources: int = 0

    @property
    def workspace(self) -> Workspace:
        return Workspace(root=self.root, config={"workspace": {"log_id": "shop", "controller": "Shop"}})

    @property
    def now(self) -> int:
        return self.clock.now_us()

    def elsewhere(self, *, root: Path, keys: Path) -> Shop:
        """The shop of other folders, opened anew; the caller closes its log."""
        shop = replace(self, root=root, keys=keys, clock=SimulatedClock(self.now))
        shop.log = shop.other_log()
        return shop

    def other_log(self) -> Log:
        """The same ledger as another process has it open; the caller closes it."""
        return Log(
            self.root / "ledger.db",
            Keyring.open(self.keys, "shop"),
            log_id="shop",
            clock=self.clock,
            randomness=SeededRandomness(99),
            actor="another",
            projection=project,
        )

    def say(
        self, member: str, type_: str, *, at: int, purpose: str = "analytics", channel: str = "", log: Log | None = None
    ) -> int:
        """Record what a member said."""
        statement = Statement(type=type_, purpose=purpose, channel=channel, at_us=at)
        with (log or self.log).write() as transaction:
            subject = transaction.subject_for(RawId("member", member))
            return transaction.append_person(subject, statement, {"recorded_us": self.now})

    def give(self, *members: str, days_ago: int = 30, purpose: str = "analytics", channel: str = "") -> None:
        """Consent given so many days ago."""
        for member in members:
            self.say(member, "grant", at=self.now - days_ago * DAY_US, purpose=purpose, channel=channel)

    def event(self, member: str | None, message_id: str, *, days_ago: float = 1, **fields: Any) -> RawEvent:
        """A visit of a member."""
        values: dict[str, Any] = {
            "type": EventType.TOUCHPOINT,
            "identifier": None if member is None else RawId("member", member),
            "event_us": self.now - int(days_ago * DAY_US),
            "purpose": "analytics",
            "message_id": message_id,
            "row": int("".join(filter(str.isdigit, message_id)) or 0),
        }
        return RawEvent(**{**values, **fields})

    def exposure(self, member: str | None, message_id: str, variant: str = "a", **fields: Any) -> RawEvent:
        """A member's meeting a variant of the experiment `banner`."""
        given = {"type": EventType.EXPOSURE, "experiment": "banner", "variant": variant, **fields}
        return self.event(member, message_id, **given)

    def take(
        self,
        *rows: object,
        decide: Decide = decide_many,
        sha256: str | None = None,
        refuse: Refuse | None = None,
        dry_run: bool = False,
        log: Log | None = None,
        terms: Mapping[str, Any] | None = None,
    ) -> IngestResult:
        """Take rows in, as a source nobody has seen before unless `sha256` says otherwise."""
        return self.take_all(rows, decide=decide, sha256=sha256, refuse=refuse, dry_run=dry_run, log=log, terms=terms)

    def take_all(
        self,
        rows: Iterable[object],
        *,
        decide: Decide = decide_many,
        sha256: str | None = None,
        refuse: Refuse | None = None,
        dry_run: bool = False,
        log: Log | None = None,
        terms: Mapping[str, Any] | None = None,
    ) -> IngestResult:
        self.sources += 1
        source = sha256 or hashlib.sha256(str(self.sources).encode()).hexdigest()
        return ingest_events(
            self.intake(log, decide),
            rows,
            terms=replace(self.terms, **(terms or {})),
            source=SourceFile(name="rows.csv", sha256=source),
            refuse=refuse,
            dry_run=dry_run,
        )

    def subject(self, member: str) -> int | None:
        with self.log.read() as reader:
            return reader.find_subject(RawId("member", member))

    def batches(self) -> list[archive.BatchFile]:
        with self.log.read() as reader:
            return archive.live_batches(reader)

    def live(self) -> list[archive.LiveFile]:
        with self.log.read() as reader:
            return archive.live_files(reader)

    def intake(self, log: Log | None = None, decide: Decide = decide_many) -> Intake:
        return Intake(
            log=log or self.log,
            workspace=self.workspace,
            voice=self._voice,
            decide=decide,
        )

    def _voice(self, transaction: Transaction) -> Callable[[int | RawId, Saying], int]:
        def speak(who: int | RawId, said: Saying) -> int:
            traits = sorted(UNNAMED) if said.traits is None and said.type == "signal" else said.traits or ()
            statement = Statement(
                type=said.type, purpose=said.purpose, channel=said.channel, at_us=said.at_us, traits=tuple(traits)
            )
            subject = who if isinstance(who, int) else transaction.subject_for(who)
            return transaction.append_person(subject, statement, {**said.more, "recorded_us": self.now})

        return speak

    def accept(self, *rows: object, log: Log | None = None, refuse: Refuse | None = None, **terms: Any) -> Accepted:
        """Take rows into the inbox."""
        accepted = replace(self.terms, **terms)
        return accept(self.intake(log), rows, terms=accepted, name="rows.csv", refuse=refuse)

    def compact(self, *, below: int = 50_000, dry_run: bool = False, log: Log | None = None) -> Compacted:
        return compact(self.intake(log), below=below, dry_run=dry_run)

    def inbox(self) -> int:
        """How many events wait."""
        with self.log.read() as reader:
            return sum(channels_waiting(reader).values())

    def verify(self) -> Verification:
        self.log.checkpoint()
        return verify(self.workspace, Keyring.open(self.keys, "shop"))

    def rows(self) -> list[dict[str, Any]]:
        """Every row of the archive, in order."""
        paths = [str(archive.checked_live(self.workspace, file).path) for file in self.live()]
        connection = archive.scan(self.workspace, paths)
        try:
            found = connection.execute("SELECT * FROM archive_row ORDER BY batch, row")
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        finally:
            connection.close()

    def table(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self.log.read() as reader:
            return reader.sql.execute(query, values).fetchall()

    def entries(self, type_: str) -> list[Mapping[str, Any]]:
        with self.log.read() as reader:
            return [entry.fields for entry in reader.system_entries(type_)]

    def enrolment(self) -> dict[tuple[str, int, str, str], int]:
        """(experiment, phase, variant, reason) → n, over all days."""
        query = "SELECT experiment, phase, variant, reason, sum(n) FROM enrolment_count GROUP BY 1, 2, 3, 4"
        return {row[:4]: row[4] for row in self.table(query)}

    def files(self) -> list[str]:
        """The files of the archive, and unfinished ones."""
        folders = (self.workspace.archive, self.workspace.temporary)
        return sorted(path.relative_to(self.root).as_posix() for folder in folders for path in folder.glob("*"))

    def state(self) -> tuple[object, ...]:
        """What must be the same before and after something that changes nothing."""
        counted = ("batch", "dedupe", "enrolment_count", "identifier", "subject_key", "payload", "consent_state")
        counts = tuple(self.table(f"SELECT count(*) FROM {name}")[0][0] for name in counted)
        return (self.log.size, counts, tuple(self.files()))


@pytest.fixture(scope="session")
def new_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a new shop's `root` and `keys`, made once: its schema takes longer than a test."""
    folder = tmp_path_factory.mktemp("new-shop")
    (folder / "root").mkdir()
    create_log(folder / "root" / "ledger.db", Keyring.create(folder / "keys", "shop"), "shop")
    return folder


@pytest.fixture
def shop(tmp_path: Path, new_shop: Path, clock: SimulatedClock) -> Iterator[Shop]:
    """A shop that knows the default purposes and nobody."""
    root, keys = (shutil.copytree(new_shop / name, tmp_path / name) for name in ("root", "keys"))
    log = Log(
        root / "ledger.db",
        Keyring.open(keys, "shop"),
        log_id="shop",
        clock=clock,
        randomness=SeededRandomness(7),
        actor="tester",
        projection=project,
    )
    with log.write() as transaction:
        register_purposes(transaction, DEFAULT_PURPOSES)
    yield Shop(root=root, keys=keys, clock=clock, log=log)
    log.close()


@pytest.fixture
def everything_written(shop: Shop) -> Callable[[], bytes]:
    """Every byte the shop keeps: all files as they are, and each Parquet file again as text, unpacked."""

    def read() -> bytes:
        parts: list[bytes] = []
        for folder in (shop.root, shop.keys):
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    parts.append(path.read_bytes())
                    parts.append(path.name.encode())
                if path.suffix == ".parquet":
                    parts.append(_as_text(path))
        return b"\n".join(parts)

    return read


def _as_text(path: Path) -> bytes:
    with duckdb.connect() as connection:
        rows: Sequence[tuple[Any, ...]] = connection.read_parquet(str(path)).fetchall()
        metadata = connection.execute("SELECT * FROM parquet_metadata(?)", [str(path)]).fetchall()
    return repr((rows, metadata)).encode()
