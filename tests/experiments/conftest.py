"""An archive, a view, a ledger and a gate made of nothing but rows: experiments are tested without consent."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import polars as pl
import pytest

from imp_core.clock import DAY_US, SimulatedClock
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.gate import Decision, Use
from imp_core.ports import Check, CheckpointInfo, EnrolmentCount, Superseded, SystemEntry
from imp_experiments.commands.read_out import read_out
from imp_experiments.commands.start import start_experiment
from imp_experiments.readout.format import format_readout, parse_readout, to_plain

EVENTS = """
    event_id VARCHAR, batch INTEGER, row INTEGER, type VARCHAR, subject BIGINT, event_us BIGINT, received_us BIGINT,
    intake_seq BIGINT, purpose VARCHAR, basis_seq BIGINT, channel VARCHAR, campaign VARCHAR, content VARCHAR,
    placement VARCHAR, partner VARCHAR, place VARCHAR, name VARCHAR, interaction VARCHAR, stage VARCHAR,
    session VARCHAR, experiment VARCHAR, phase INTEGER, variant VARCHAR, unit_kind VARCHAR, unit VARCHAR,
    stratum VARCHAR, cluster VARCHAR, ref VARCHAR, amount_micros BIGINT, currency VARCHAR, quantity BIGINT,
    trait_key VARCHAR, trait_value VARCHAR, provenance VARCHAR, props VARCHAR
"""
CLOSED = "subject BIGINT, from_us BIGINT, to_us BIGINT, from_seq BIGINT, to_seq BIGINT, reason VARCHAR"
REFUSED = "type VARCHAR, experiment VARCHAR, phase INTEGER, variant VARCHAR, reason VARCHAR, subjects BIGINT"
PERMITTED = "subject BIGINT, from_us BIGINT, to_us BIGINT, from_seq BIGINT, to_seq BIGINT"
FRAMES = {"events": EVENTS, "closed": CLOSED, "refused": REFUSED, "permitted": PERMITTED}
FOREVER = 2**62
START_US = 20_454 * DAY_US  # 2026-01-01T00:00:00Z


def day_us(days: float) -> int:
    """The time so many days after 2026-01-01T00:00:00Z."""
    return START_US + round(days * DAY_US)


@dataclass
class Rows:
    """What lies in a fake archive; times are days since 2026-01-01."""

    events: list[dict[str, Any]] = field(default_factory=list)
    closed: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    permitted: list[dict[str, Any]] = field(default_factory=list)
    enrolled: list[EnrolmentCount] = field(default_factory=list)

    def expose(self, subject: int, variant: str, day: float, *, seq: int = 10, **more: Any) -> None:
        self.events.append(
            {
                "type": "exposure",
                "subject": subject,
                "event_us": day_us(day),
                "intake_seq": seq,
                "experiment": "test",
                "variant": variant,
                **more,
            }
        )

    def outcome(self, subject: int, name: str, day: float, **more: Any) -> None:
        row = {"type": "outcome", "subject": subject, "event_us": day_us(day), "intake_seq": 10, "name": name}
        self.events.append({**row, **more})

    def close(
        self, subject: int, reason: str, from_day: float, to_day: float | None, *, seqs: tuple[int, int] = (0, FOREVER)
    ) -> None:
        to_us = FOREVER if to_day is None else day_us(to_day)
        row = {"subject": subject, "from_us": day_us(from_day), "to_us": to_us, "reason": reason}
        self.closed.append({**row, "from_seq": seqs[0], "to_seq": seqs[1]})

    def permit(
        self, subject: int, from_day: float, to_day: float | None = None, *, seqs: tuple[int, int] = (0, FOREVER)
    ) -> None:
        to_us = FOREVER if to_day is None else day_us(to_day)
        row = {"subject": subject, "from_us": day_us(from_day), "to_us": to_us}
        self.permitted.append({**row, "from_seq": seqs[0], "to_seq": seqs[1]})

    def enrol(self, variant: str, n: int, reason: str = "admitted", *, phase: int = 1) -> None:
        self.enrolled.append(
            EnrolmentCount(experiment="test", phase=phase, variant=variant, day=20_454, reason=reason, n=n)
        )

    def relations(self, connection: duckdb.DuckDBPyConnection) -> dict[str, duckdb.DuckDBPyRelation]:
        """The four frames as DuckDB relations on one connection."""
        for name, columns in FRAMES.items():
            connection.execute(f"CREATE OR REPLACE TABLE {name} ({columns})")
            rows: list[dict[str, Any]] = getattr(self, name)
            if rows:
                connection.register("new_rows", pl.from_dicts(rows, infer_schema_length=None).to_arrow())
                connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM new_rows")
                connection.unregister("new_rows")
        return {name: connection.table(name) for name in FRAMES}


@dataclass
class FakeUse:
    """An opened use that remembers how it ended."""

    seq: int
    size: int
    as_of_us: int
    checkpoint: str
    events: Any
    closed: Any
    refused: Any
    permitted: Any
    superseded: bool
    closings: list[dict[str, Any]]
    ledger: Any = None
    ended: str = ""

    def close(
        self,
        *,
        readout_sha256: str,
        counts: Mapping[str, int],
        proof_sha256: str | None = None,
        looks: Sequence[Mapping[str, Any]] = (),
        released: Sequence[Mapping[str, Any]] = (),
    ) -> int:
        assert not self.ended
        if self.superseded:
            raise Superseded("an admitted person withdrew meanwhile")
        self.ended = "closed"
        if self.ledger is not None:
            kept = {"looks": list(looks), "released": list(released)}
            fields = {name: listed for name, listed in kept.items() if listed}
            self.ledger.append("use-close", json.loads(json.dumps(fields)))
        self.closings.append({"sha256": readout_sha256, "counts": dict(counts), "proof": proof_sha256})
        return self.seq + 1

    def abandon(self) -> bool:
        assert self.ended != "closed"
        self.ended = "abandoned"
        return True


class FakeView:
    """Opens uses on the same rows; the first `superseded` of them are overtaken by a withdrawal."""

    def __init__(self, rows: Rows, clock: SimulatedClock, connection: duckdb.DuckDBPyConnection) -> None:
        self.rows, self.clock, self.connection = rows, clock, connection
        self.superseded = 0
        self.ledger: FakeLedger | None = None
        self.erased_while_opening = 0
        self.uses: list[FakeUse] = []
        self.asked: list[tuple[Use, int | None]] = []
        self.closings: list[dict[str, Any]] = []

    def open(
        self,
        use: Use,
        *,
        definition_seq: int | None = None,
        columns: Sequence[str] | None = None,
        with_permitted: bool = False,
    ) -> FakeUse:
        self.asked.append((use, definition_seq))
        if len(self.asked) <= self.erased_while_opening:
            raise Superseded("somebody was erased while this was opened")
        relations = self.rows.relations(self.connection)
        if columns is not None:  # no more than what was asked for
            relations["events"] = relations["events"].select(*columns)
        if not with_permitted:
            relations["permitted"] = None
        opened = FakeUse(
            seq=100 + 10 * len(self.uses),
            size=50,
            as_of_us=self.clock.now_us(),
            checkpoint="imp.local/test\n50\nroot\n",
            superseded=len(self.uses) < self.superseded,
            closings=self.closings,
            ledger=self.ledger,
            **relations,
        )
        self.uses.append(opened)
        return opened

    def enrolment(self, experiment: str) -> Sequence[EnrolmentCount]:
        return [row for row in self.rows.enrolled if row.experiment == experiment]


class FakeLedger:
    """System entries in a list."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self.written: list[SystemEntry] = []
        self.documents: dict[str, bytes] = {}

    def append(self, type_: str, fields: Mapping[str, Any], *, documents: Sequence[bytes] = ()) -> int:
        self.documents |= {hashlib.sha256(data).hexdigest(): data for data in documents}
        seq = len(self.written)
        entry = SystemEntry(seq=seq, type=type_, at_us=self.clock.now_us(), actor="tester", fields=dict(fields))
        self.written.append(entry)
        return seq

    def entries(self, type_: str) -> Iterator[SystemEntry]:
        return (entry for entry in self.written if entry.type == type_)

    def document(self, sha256: str) -> bytes:
        return self.documents[sha256]

    def checkpoint(self) -> CheckpointInfo:
        raise NotImplementedError

    def diagnose(self) -> Iterator[Check]:
        return iter(())


class FakeGate:
    """Permits the subjects it is told to; knows `member:N` as subject N."""

    def __init__(self) -> None:
        self.permitted: set[int] = set()
        self.known: set[int] = set()
        self.asked: list[Use] = []

    def knows(self, purpose: str) -> bool:
        return purpose == "experimentation"

    def resolve(self, raw_id: RawId) -> int | None:
        number = int(raw_id.value)
        return number if number in self.known else None

    def decide(self, use: Use, *, at_us: int, known_at: int | None = None) -> Decision:
        assert at_us > 0
        assert known_at is None
        self.asked.append(use)
        permitted = use.subject in self.permitted
        return Decision(permitted=permitted, reason="given" if permitted else "withdrawn", source="GDPR 6(1)")


DEFINITION = """
name = "test"
hypothesis = "It lifts visits"
purpose = "experimentation"
salt = "k3x9qa7vdd"
control = "a"
[plan]
horizon = "20d"
[[variants]]
name = "a"
[[variants]]
name = "b"
[[metrics]]
name = "visit"
kind = "proportion"
event = "visit"
window = "7d"
"""


@pytest.fixture(scope="session")
def definition() -> str:
    """An experiment file: variants a and b, one primary proportion over 7 days, horizon 20 days."""
    return DEFINITION


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture(scope="session")
def new_rows() -> Callable[[], Rows]:
    return Rows


@pytest.fixture(scope="session")
def at_day() -> Callable[[float], int]:
    """The time so many days after 2026-01-01T00:00:00Z, in microseconds."""
    return day_us


@dataclass
class Bench:
    """A workspace whose view, ledger and gate are fakes; `ctx` is what commands get."""

    ctx: Context
    clock: SimulatedClock
    rows: Rows
    view: FakeView
    ledger: FakeLedger
    gate: FakeGate
    root: Path

    def write(self, text: str, name: str = "test") -> Path:
        path = self.root / "experiments" / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def bench(
    context: Context, clock: SimulatedClock, rows: Rows, connection: duckdb.DuckDBPyConnection, definition: str
) -> Bench:
    """The workbench: 2026-03-01T12:00:00Z, the definition written but not started."""
    root = context.directory
    (root / "imp.toml").write_text('[workspace]\nlog_id = "test"\ncontroller = "Test"\n', encoding="utf-8")
    made = Bench(
        ctx=context,
        clock=clock,
        rows=rows,
        view=FakeView(rows, clock, connection),
        ledger=FakeLedger(clock),
        gate=FakeGate(),
        root=root,
    )
    context.view, context.ledger, context.gate = made.view, made.ledger, made.gate
    made.view.ledger = made.ledger
    made.write(definition)
    return made


@pytest.fixture
def fill(bench: Any) -> Callable[..., None]:
    """n units a variant from day 1 on, of which a share visits; all of them enrolled."""

    def run(n: int = 200, *, visits: tuple[float, float] = (0.2, 0.5), day: float = 1, spend: float = 10) -> None:
        subject = len(bench.rows.events) * 10
        for variant, share in zip("ab", visits, strict=True):
            for index in range(n):
                subject += 1
                bench.rows.expose(subject, variant, day)
                if index < share * n:
                    bench.rows.outcome(subject, "visit", day + 1)
                amount = round((spend + index % 3) * 1e6)
                bench.rows.outcome(subject, "order", day + 1, amount_micros=amount, currency="EUR")
            bench.rows.enrol(variant, n)

    return run


@pytest.fixture
def started(bench: Any, at_day: Callable[[float], int]) -> Any:
    """The bench with the experiment started on day 0; the clock stands on day 59.5, after the horizon."""
    bench.clock._now_us = at_day(0)
    start_experiment(bench.ctx, "test")
    bench.clock.move_to(at_day(59.5))
    return bench


@pytest.fixture
def told() -> Callable[[Any], dict[str, Any]]:
    """The readout of a started bench as JSON, held against the published schema and the way back."""

    def run(bench: Any) -> dict[str, Any]:
        readout = read_out(bench.ctx, "test").readout
        plain = to_plain(readout)
        text = importlib.resources.files("imp_experiments.readout").joinpath("readout.schema.json").read_text("utf-8")
        jsonschema.validate(plain, json.loads(text), cls=jsonschema.Draft202012Validator)
        assert parse_readout(format_readout(readout)) == readout
        return plain

    return run
