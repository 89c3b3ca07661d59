"""No raw identifier is at rest in any file, nor a plain hash of one; and a large source does not fill the memory."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
import textwrap

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imp_consent.ledger.entry import Statement
from imp_consent.plane import archive
from imp_core.errors import ImpError
from imp_core.event import RawEvent, RawId, RowFault, Signal, SignalKind

PEOPLE = ("ann.4711@example.com", "bob.4712@example.com", "eve.4713@example.com")


def _traces(address: str) -> list[bytes]:
    """What must not be found: the address as it is and half of it, and its plain hashes as text and as bytes."""
    spellings = [address, address.split("@", maxsplit=1)[0], f"email:{address}"]
    hashes = [hashlib.new(name, text.encode()) for name in ("sha256", "md5") for text in spellings]
    return [
        *(text.encode() for text in spellings),
        *(found.hexdigest().encode() for found in hashes),
        *(found.digest() for found in hashes),
    ]


@pytest.fixture
def found(everything_written):
    """Who can be found in what is written."""

    def find() -> set[str]:
        written = everything_written()
        return {address for address in PEOPLE if any(trace in written for trace in _traces(address))}

    return find


@pytest.fixture
def busy(shop):
    """A shop that took events of somebody who may be known, somebody who refused and somebody unknown."""
    with shop.log.write() as transaction:
        for address, said in zip(PEOPLE[:2], ("grant", "refuse"), strict=True):
            subject = transaction.subject_for(RawId("email", address))
            statement = _statement(said, shop.now)
            transaction.append_person(subject, statement, {"recorded_us": shop.now})
    shop.take(
        *(
            shop.exposure(
                None, f"{address}/{number}", identifier=RawId("email", address), session=f"s:{address}", row=number,
                ref=f"order of {address}", unit=address,
                cluster=f"home of {address}", unit_kind="household", props={"address": address},
                event_us=shop.now,
            )
            for number, address in enumerate(PEOPLE)
        ),
        Signal(kind=SignalKind.BOUNCE, identifier=RawId("email", PEOPLE[0]), event_us=shop.now, channel="post"),
    )  # fmt: skip
    assert [row["purpose"] for row in shop.rows()] == ["analytics"]
    return shop


# Which field of an event fills which column; the others are ours to fill.
_FIELDS = {"event_id": "message_id", "subject": "identifier"}
_OURS = {"batch", "row", "received_us", "intake_seq", "basis_seq"}
_NUMBERS = {"type", "event_us", "phase", "amount_micros", "quantity"}


@pytest.mark.parametrize("column", sorted(set(archive.SCHEMA.names) - _OURS - _NUMBERS))
def test_no_column_of_the_archive_keeps_an_identifier(shop, found, column: str):
    with shop.log.write() as transaction:
        subject = transaction.subject_for(RawId("email", PEOPLE[0]))
        transaction.append_person(subject, _statement("grant", shop.now), {"recorded_us": shop.now})
    name = _FIELDS.get(column, column)
    value = {"identifier": RawId("email", PEOPLE[0]), "props": {"note": PEOPLE[0]}}.get(name, PEOPLE[0])
    given = {"unit": "h1", "unit_kind": "household", "event_us": shop.now, "experiment": "e", "variant": "a"}
    given = {**given, "identifier": RawId("email", PEOPLE[0]), name: value}
    event = dataclasses.replace(shop.event(None, "m1"), **given)
    told: list[RowFault] = []
    result = shop.take(event, shop.event(None, "m2"), refuse=told.append, terms={"props": frozenset({"note"})})
    kept = {"message_id", "identifier", "session", "unit", "cluster", "ref"}
    assert (result.admitted, [fault.field for fault in told]) == ((2, []) if name in kept else (1, [name]))
    assert found() == set()


def test_every_column_that_holds_text_is_looked_at():
    text = {field.name for field in archive.SCHEMA if field.type == pa.string()}
    fields = {_FIELDS.get(name, name) for name in text - _NUMBERS}
    assert fields <= {field.name for field in dataclasses.fields(RawEvent)}
    assert {name for name in archive.SCHEMA.names if name not in text} >= _OURS | (_NUMBERS - {"type"})


def _statement(type_: str, at_us: int):
    return Statement(type=type_, purpose="analytics", channel="", at_us=at_us)


def test_r55_nobody_can_be_found_in_what_an_intake_writes(busy, found):
    assert found() == set()


def test_nobody_can_be_found_in_what_a_failed_intake_leaves_or_says(busy, found):
    events = [
        busy.event(None, "m1", identifier=RawId("email", PEOPLE[0]), event_us=busy.now),
        busy.event(None, "m2", identifier=RawId("email", f"{PEOPLE[1]} and {PEOPLE[2]}"), event_us=busy.now),
    ]
    with pytest.raises(ImpError) as caught:
        busy.take(*events)
    assert not any(address in f"{caught.value!r}{caught.value.diagnostics()}" for address in PEOPLE)
    assert found() == set()


@pytest.mark.parametrize("place", ["parquet", "database", "temporary", "file name", "keys"])
@pytest.mark.parametrize("trace", [0, 1, 3, 6, 9, -1])  # plain, half of it, SHA-256 and MD5 as text, as bytes
def test_the_search_finds_whoever_is_planted(busy, found, place: str, trace: int):
    planted = _traces(PEOPLE[2])[trace]
    if place == "parquet":
        table = pa.table({"name": pa.array(["x" * 99, planted.decode("latin-1")], pa.string())})
        if planted.isascii():
            pq.write_table(table, busy.workspace.archive / "planted.parquet", compression="zstd")
        else:
            (busy.workspace.archive / "planted").write_bytes(planted)
    elif place == "database":
        busy.log._sql.execute("INSERT INTO notice (sha256, body) VALUES (?, ?)", ("0" * 64, b"<" + planted + b">"))
    elif place == "temporary":
        (busy.workspace.temporary / "left").write_bytes(b"--" + planted)
    elif place == "file name" and planted.isascii():
        (busy.root / planted.decode()).write_bytes(b"")
    else:
        (busy.keys / "note").write_bytes(planted)
    assert found() == {PEOPLE[2]}


def test_a_hundred_thousand_rows_stream_in_bounded_memory(shop):
    shop.give(*(str(i) for i in range(200)))
    script = textwrap.dedent(
        """
        import resource, sys
        from pathlib import Path
        from imp_consent.identity.keys import Keyring
        from imp_consent.ledger.log import Log
        from imp_consent.plane.intake import Intake, SourceFile, Terms, ingest_events
        from imp_consent.policy.project import project
        from imp_core.clock import SimulatedClock
        from imp_core.event import EventType, RawEvent, RawId
        from imp_core.randomness import SystemRandomness
        from imp_core.workspace import Workspace

        root, keys, now = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
        log = Log(root / "ledger.db", Keyring.open(keys, "shop"), log_id="shop", clock=SimulatedClock(now),
                  randomness=SystemRandomness(), actor="tester", projection=project)
        intake = Intake(log=log, workspace=Workspace(root=root, config={}))
        terms = Terms(channel="web", purposes=frozenset({"analytics"}))

        def rows(n):
            for i in range(n):
                yield RawEvent(type=EventType.EXPOSURE, identifier=RawId("member", str(i % 300)), event_us=now - i,
                               purpose="analytics", message_id=f"{n}/{i}", row=i, experiment="e", variant="ab"[i % 2],
                               campaign="x" * 40, session=f"s{i}")

        def take(n):
            result = ingest_events(intake, rows(n), terms=terms, source=SourceFile(name="rows", sha256=str(n)))
            assert result.received == n and result.admitted == sum(1 for i in range(n) if i % 300 < 200), result
            if sys.platform == "linux":  # ru_maxrss remembers the process that started this one
                status = Path("/proc/self/status").read_text()
                return int(status.split("VmHWM:")[1].split()[0]) // 1024
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 << 20)

        small = take(40_000)
        print(small, take(100_000))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, shop.root, shop.keys, str(shop.now)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    small, large = map(int, done.stdout.split())
    # What grows is an id a row (to find it twice in the file); the rows themselves must not.
    assert large - small < 60, (small, large)
    assert large < 500, (small, large)
