"""No raw identifier anywhere: not in the workspace, nor the keys, nor any output; and no hash of it without a key.

The search is tried first: it must find an identifier planted in every kind of store, whichever way it is written.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import sqlite3
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

ANN, BEN, CAI, DAN = "ann.leaktest@example.com", "+8613912345678", "M-77123456789", "用户八八@例子.广告"
EVE, FAY = "eve.leaktest@example.com", "+4915112345678"
PEOPLE = {"email": [ANN, DAN, EVE], "phone": [BEN, FAY], "member": [CAI]}
# The same people as their systems write them; every spelling is sought.
SPELLINGS = {ANN: ["Ann.LeakTest@Example.com", "annleaktest@example.com"], BEN: ["+86 139 1234 5678", "13912345678"]}


def written(value: str) -> set[bytes]:
    """The ways an identifier or a plain hash of it may be written."""
    plain = {value, value.casefold(), value.upper(), urllib.parse.quote(value), value.encode("unicode_escape").decode()}
    plain.add(value[:10])  # cut short, it still tells who
    out = {form.encode() for form in plain} | {value.encode("utf-16-le")}
    for algorithm in ("sha256", "md5"):
        digest = hashlib.new(algorithm, value.encode(), usedforsecurity=False).digest()
        out |= {digest[:16], digest.hex()[:32].encode(), digest.hex()[:32].upper().encode()}
        out.add(base64.b64encode(digest)[:20])
    return out


NEEDLES = {
    needle: f"person {number}"
    for number, value in enumerate([*PEOPLE["email"], *PEOPLE["phone"], *PEOPLE["member"]])
    for spelling in [value, *SPELLINGS.get(value, [])]
    for needle in written(spelling)
}


_GAP = b"\x00 \x00"  # keeps two values from making a third


def stored(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Everything a folder holds: bytes as they are, and what databases, Parquet and gzip hide from a plain search."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        yield path.name, path.name.encode()
        yield path.name, data
        if data.startswith(b"SQLite format 3"):
            yield path.name, _GAP.join(_database(path))
        if data.startswith(b"PAR1"):
            yield path.name, _GAP.join(_parquet(path))
        if data.startswith(b"\x1f\x8b"):
            yield path.name, gzip.decompress(data)


def _database(path: Path) -> Iterator[bytes]:
    sql = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    for (table,) in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for row in sql.execute(f'SELECT * FROM "{table}"'):
            yield from (value if isinstance(value, bytes) else str(value).encode() for value in row)
    sql.close()


def _parquet(path: Path) -> Iterator[bytes]:
    with duckdb.connect() as connection:
        for row in connection.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall():
            yield from (value if isinstance(value, bytes) else str(value).encode() for value in row)


def found(places: Iterable[tuple[str, bytes]]) -> set[tuple[str, bytes]]:
    """Where which way of writing was found."""
    return {(place, needle) for place, data in places for needle in NEEDLES if needle in data}


def leaks(*folders: Path, outputs: tuple[str, ...] = ()) -> set[tuple[str, str]]:
    """Where something was found, and whose: never what."""
    places = [item for folder in folders for item in stored(folder)]
    places += [("output", text.encode()) for text in outputs]
    return {(place, NEEDLES[needle]) for place, needle in found(places)}


def _plant_text(folder: Path) -> None:
    for number, needle in enumerate(NEEDLES):
        (folder / f"log-{number}.txt").write_bytes(b"x" * 999 + needle)


def _plant_database(folder: Path) -> None:
    sql = sqlite3.connect(folder / "ledger.db")
    sql.execute("CREATE TABLE t (body)")
    # long enough to be split over pages, so that a search of the file's bytes may miss it
    sql.executemany("INSERT INTO t VALUES (?)", [(b"y" * 4050 + needle + b"z" * 9000,) for needle in NEEDLES])
    sql.commit()
    sql.close()


def _plant_log_of_database(folder: Path) -> None:
    (folder / "ledger.db-wal").write_bytes(b"\x00".join(NEEDLES))


def _plant_parquet(folder: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (body BLOB)")
        connection.executemany("INSERT INTO t VALUES (?)", [(needle,) for needle in NEEDLES])
        connection.execute("INSERT INTO t SELECT t.body FROM t, range(50)")
        connection.execute(f"COPY t TO '{folder / 'batch.parquet'}' (FORMAT parquet, COMPRESSION zstd)")


def _plant_gzip(folder: Path) -> None:
    (folder / "old.gz").write_bytes(gzip.compress(b"\x00".join(NEEDLES)))


@pytest.mark.parametrize(
    "plant",
    [_plant_text, _plant_database, _plant_log_of_database, _plant_parquet, _plant_gzip],
    ids=lambda f: f.__name__,
)
def test_the_search_finds_what_is_planted_in_every_kind_of_store(tmp_path: Path, plant: Callable[[Path], None]) -> None:
    plant(tmp_path)
    assert {needle for _, needle in found(stored(tmp_path))} == set(NEEDLES)


def test_the_search_finds_what_is_planted_in_a_name_or_an_output(tmp_path: Path) -> None:
    (tmp_path / CAI).touch()
    assert leaks(tmp_path) == {(CAI, "person 5")}
    assert leaks(outputs=(f"error: {ANN} is unknown",)) == {("output", "person 0")}
    assert leaks(outputs=("nobody at all",)) == set()


class Recorder:
    """Runs command lines and keeps everything they print."""

    def __init__(self, imp: Callable[..., Any]) -> None:
        self._imp = imp
        self.outputs: list[str] = []

    def __call__(self, *arguments: object, code: int = 0, **more: Any) -> Any:
        answer = self._imp(*map(str, arguments), **more)
        self.outputs += [answer.out, answer.err]
        assert answer.code == code, (arguments[:2], answer.code, answer.err)
        return answer


def times(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def consent_file(path: Path) -> Path:
    rows = [
        f"{kind}:{value},experimentation,{state},{times(30)}"
        for kind, values in PEOPLE.items()
        for value, state in zip(values, ["given", "given", "refused"], strict=False)
    ]
    path.write_text("\n".join(["identifier,purpose,state,at", *rows]), encoding="utf-8")
    return path


def events_file(path: Path) -> Path:
    """Channels write addresses into every id they have."""
    header = "type,identifier,at,purpose,id,channel,name,experiment,variant,session,ref,amount,currency"
    rows = [header]
    for kind, values in PEOPLE.items():
        for value in values:
            whose = f"{kind}:{value}"
            rows.append(f"exposure,{whose},{times(20)},experimentation,<send.{value}>,email,,leak,a,{value},,,")
            rows.append(
                f"outcome,{whose},{times(19)},experimentation,{value}/1,web,order,,,{value},order-{value},9.99,EUR"
            )
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_r55_no_identifier_is_left_anywhere(imp: Callable[..., Any], tmp_path: Path) -> None:
    run = Recorder(imp)
    workspace, inputs = tmp_path / "workspace", tmp_path / "inputs"
    inputs.mkdir()
    run("init", workspace, "--controller", "Leaks Ltd")
    run("plugin", "enable", "file")
    run("consent", "import", consent_file(inputs / "consent.csv"))
    run("consent", "record", f"email:{EVE}", "--purpose", "analytics", "--state", "given", "--json")
    run("consent", "record", "-", "--purpose", "analytics", "--state", "given", input=f"email:{SPELLINGS[ANN][0]}\n")
    run("consent", "check", f"phone:{SPELLINGS[BEN][0]}", "--purpose", "experimentation")
    run("consent", "check", f"phone:{FAY}", "--purpose", "marketing.email", code=1)
    run("consent", "history", f"email:{ANN}")
    run("consent", "history", f"email:{ANN}", "--json")
    run("experiment", "new", "leak")
    run("experiment", "start", "leak")
    run("ingest", "file", events_file(inputs / "events.csv"), "--json")
    run("experiment", "assign", "leak", f"email:{ANN}")
    run("experiment", "readout", "leak")
    bad = inputs / "bad.csv"
    bad.write_text(
        f"identifier,purpose,state,at\n{ANN},analytics,given,{times(1)}\nemail:{EVE},{EVE},{EVE},{EVE}\n"
        f"email:{EVE},analytics,given,{times(1)}\n"
    )
    run("consent", "import", bad, code=2)
    run("consent", "import", bad, "--rejects", inputs / "rejects.csv")
    worse = inputs / "worse.csv"
    worse.write_text(
        f"type,identifier,at,purpose,id,name\n{ANN},{ANN},{ANN},{ANN},{ANN},{ANN}\n"
        f"outcome,email:{EVE},now,analytics,1,order\n"
        f"outcome,email:{EVE},{times(1)},analytics,2,order\n"
    )
    run("ingest", "file", worse, code=2)
    run("ingest", "file", worse, "--rejects", inputs / "more-rejects.csv")
    headless = inputs / "headless.csv"
    headless.write_text(f"email:{ANN},analytics,given,{times(1)}\n")
    run("consent", "import", headless, code=2)
    run("ingest", "file", headless, code=2)
    for word in (ANN, f"email:{ANN}@{ANN}", f"phone:{CAI}", f"{ANN}:x", f"{CAI}:x", f"fax:{BEN}"):
        run("consent", "record", word, "--purpose", "analytics", "--state", "given", code=2)
        run("consent", "check", word, "--purpose", "analytics", "--json", code=2)
    run("consent", "record", f"email:{ANN}", "--purpose", ANN, "--state", "given", code=2)
    run("ingest", ANN, inputs / "events.csv", code=2)
    run("consent", "erase", f"email:{EVE}")
    run("consent", "erase", f"email:{EVE}", "--execute")
    run("consent", "erase", f"email:{EVE}", "--execute", code=1)
    run("audit", "verify", "--json")
    run("status")
    run("doctor")
    rejects = [(inputs / name).read_text() for name in ("rejects.csv", "more-rejects.csv")]
    assert leaks(workspace, tmp_path / "keys", tmp_path / "home", outputs=(*run.outputs, *rejects)) == set()
