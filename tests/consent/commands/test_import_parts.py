"""`imp consent import --in-parts`: others write between two parts, and what was stopped goes on from there."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands import import_warnings, taking
from imp_consent.commands.importer import rows_source
from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.reader import Reader
from imp_core.context import Context
from imp_core.errors import BadInput, LedgerBroken

Cli = Any
Size = Callable[[], int]
Entries = Callable[[str], list[PersonEntry]]
System = Callable[[str], list[dict[str, Any]]]

AT = "2026-01-01T10:00:00Z"
HEADER = "identifier,purpose,state,at\n"


class Stopped(BaseException):
    """The import is ended from outside."""


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], object]], None]:
    """Parts of two rows; what is given happens after each of them, and hears which it was."""

    def of_two(between: Callable[[int], object]) -> None:
        done = iter(range(1, 1_000))
        monkeypatch.setattr(taking, "PART", 2)
        monkeypatch.setattr(taking.time, "sleep", lambda _: between(next(done)))

    return of_two


def rows(path: Path, count: int, *, bad: tuple[int, ...] = (), purpose: str = "ads") -> Path:
    said = (f"member:{n},{purpose if n in bad else 'analytics'},refused,{AT}\n" for n in range(1, count + 1))
    path.write_text(HEADER + "".join(said))
    return path


def test_r08_a_withdrawal_gets_through_between_two_parts_of_a_long_file(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    imp_here("consent", "record", "member:77", "--purpose", "analytics", "--state", "given", "--at", AT).ok()
    monkeypatch.setattr("imp_consent.ledger.store._BUSY_MS", 300)
    words = ("consent", "record", "member:77", "--purpose", "analytics", "--state", "withdrawn")
    parts(lambda part: imp_here(*words).ok() if part == 1 else None)
    path = rows(tmp_path / "c.csv", 5)
    done = imp_here("consent", "import", path, "--rejects", tmp_path / "r.csv", "--in-parts", "--json").ok().json
    assert (done["rows"], done["people"], done["rejected"]) == (5, 5, 0)
    (_, withdrawn) = entries("member:77")
    assert entries("member:2")[0].seq < withdrawn.seq < entries("member:3")[0].seq
    assert imp_here("audit", "verify").ok()


def test_an_import_that_was_stopped_keeps_whole_parts_and_the_same_command_goes_on_after_them(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, system: System, parts: Any
) -> None:
    path, rejects = rows(tmp_path / "c.csv", 9, bad=(2, 7)), tmp_path / "r.csv"
    words = ("consent", "import", path, "--rejects", rejects, "--in-parts", "--json")

    def stop(part: int) -> None:
        if part == 2:
            raise Stopped

    parts(stop)
    with pytest.raises(Stopped):
        taking.take_in(shop, rows_source(path, None, now_us=shop.clock.now_us()), rejects_path=rejects, in_parts=True)
    assert [bool(entries(f"member:{n}")) for n in range(1, 10)] == [True, False, True, True, *[False] * 5]
    assert [(one["begin"], one["through"]) for one in system("import")] == [(1, 2), (3, 4)]
    parts(lambda _: None)
    done = imp_here(*words).ok().json
    assert (done["rows"], done["skipped"], done["rejected"]) == (4, 3, 2)
    assert [row[0] for row in list(csv.reader(rejects.read_text().splitlines()))[1:]] == ["3", "8"]
    assert [len(entries(f"member:{n}")) for n in range(1, 10)] == [1, 0, 1, 1, 1, 1, 0, 1, 1]
    imp_here("consent", "purpose", "add", "ads", "--description", "We advertise.", "--trait", "none").ok()
    last = imp_here(*words).ok().json
    assert (last["rows"], last["skipped"], last["rejected"]) == (2, 7, 0)
    assert [len(entries(f"member:{n}")) for n in range(1, 10)] == [1] * 9
    assert imp_here("audit", "verify").ok()


def test_what_was_stopped_may_be_finished_all_at_once_and_is_then_done(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, size: Size, parts: Any
) -> None:
    path = rows(tmp_path / "c.csv", 6)

    def stop(_: int) -> None:
        raise Stopped

    parts(stop)
    with pytest.raises(Stopped):
        taking.take_in(
            shop, rows_source(path, None, now_us=shop.clock.now_us()), rejects_path=tmp_path / "r.csv", in_parts=True
        )
    assert imp_here("consent", "import", path, "--json").ok().json["rows"] == 4
    assert [len(entries(f"member:{n}")) for n in range(1, 7)] == [1] * 6
    before = size()
    parts(lambda _: None)
    for more in ((), ("--rejects", tmp_path / "r.csv"), ("--rejects", tmp_path / "r.csv", "--in-parts")):
        assert "all 6 rows of this file were imported before" in imp_here("consent", "import", path, *more).ok().out
    assert size() == before


def test_a_dry_run_judges_the_file_as_one_and_not_in_parts(
    shop: Context, imp_here: Cli, tmp_path: Path, size: Size
) -> None:
    path, rejects, before = rows(tmp_path / "c.csv", 5, bad=(4,)), tmp_path / "r.csv", size()
    refused = imp_here("consent", "import", path, "--rejects", rejects, "--in-parts", "--dry-run")
    assert (refused.code, refused.out) == (2, "")
    assert "a dry run judges the file as one" in refused.err
    assert "leave out --in-parts" in refused.err
    assert (size(), rejects.exists()) == (before, False)


def test_a_file_of_faulty_rows_only_is_refused_in_parts_too_as_the_dry_run_says(
    shop: Context, imp_here: Cli, tmp_path: Path, size: Size, parts: Any
) -> None:
    parts(lambda _: None)
    path, rejects, before = rows(tmp_path / "c.csv", 5, bad=(1, 2, 3, 4, 5)), tmp_path / "r.csv", size()
    words = ("consent", "import", path, "--rejects", rejects)
    assert imp_here(*words, "--dry-run").code == 1
    for _ in range(2):
        refused = imp_here(*words, "--in-parts")
        assert (refused.code, refused.out) == (2, "")
        assert "every row is faulty" in refused.err
        assert len(rejects.read_text().splitlines()) == 6
        assert size() == before, "nothing is noted of it"


def test_faulty_rows_before_the_first_that_is_taken_are_tried_again(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, system: System, parts: Any
) -> None:
    parts(lambda _: None)
    path, rejects = rows(tmp_path / "c.csv", 7, bad=(1, 2, 3, 4, 6)), tmp_path / "r.csv"
    words = ("consent", "import", path, "--rejects", rejects, "--in-parts", "--json")
    done = imp_here(*words).ok().json
    assert (done["rows"], done["rejected"]) == (2, 5)
    assert [(one["begin"], one.get("through")) for one in system("import")] == [(1, 6), (7, None)]
    imp_here("consent", "purpose", "add", "ads", "--description", "We advertise.", "--trait", "none").ok()
    again = imp_here(*words).ok().json
    assert (again["rows"], again["skipped"], again["rejected"]) == (5, 2, 0)
    assert [len(entries(f"member:{n}")) for n in range(1, 8)] == [1] * 7
    assert imp_here(*words).ok().json["rows"] == 0


def test_each_part_reads_no_more_of_the_parts_before_it_than_the_last(
    shop: Context, imp_here: Cli, tmp_path: Path, parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts(lambda _: None)
    asked: list[int] = []
    whole = Reader.system_entries

    def counted(reader: Reader, type_: str, *, since: int = 0) -> Any:
        found = list(whole(reader, type_, since=since))
        asked.extend([len(found)] if type_ == "import" else [])
        return iter(found)

    monkeypatch.setattr(Reader, "system_entries", counted)
    path = rows(tmp_path / "c.csv", 20, bad=tuple(range(1, 20, 2)))
    done = imp_here("consent", "import", path, "--rejects", tmp_path / "r.csv", "--in-parts", "--json").ok().json
    assert (done["rows"], done["rejected"], len(asked), max(asked)) == (10, 10, 11, 1)


def test_who_stops_it_hears_what_is_recorded_and_finds_what_was_rejected_so_far(
    shop: Context, imp_here: Cli, tmp_path: Path, parts: Any
) -> None:
    path, rejects = rows(tmp_path / "c.csv", 9, bad=(2, 7)), tmp_path / "r.csv"
    words = ("consent", "import", path, "--rejects", rejects, "--in-parts")
    rejects.write_text("of an older run\n")

    def interrupt(part: int) -> None:
        if part == 2:
            raise KeyboardInterrupt

    parts(interrupt)
    stopped = imp_here(*words)
    assert (stopped.code, stopped.out) == (130, "")
    assert "stopped: 3 rows of the file are recorded; the same command goes on from there" in stopped.err
    assert rejects.read_text() == "line,field,problem\n3,purpose,unknown purpose\n"
    parts(lambda _: None)
    assert imp_here(*words, "--json").ok().json["skipped"] == 3


def test_two_imports_of_one_file_at_once_add_up(shop: Context, imp_here: Cli, tmp_path: Path, parts: Any) -> None:
    path = rows(tmp_path / "c.csv", 9)
    words = ("consent", "import", path, "--rejects", tmp_path / "r.csv", "--in-parts", "--json")
    other = tmp_path / "other.csv"

    def another(part: int) -> None:
        if part == 1:
            source = rows_source(path, None, now_us=shop.clock.now_us())
            inner.append(taking.take_in(shop, source, rejects_path=other, in_parts=True).rows)

    inner: list[int] = []
    parts(another)
    done = imp_here(*words).ok().json
    assert inner == [7]
    assert (done["rows"], done["skipped"], done["rejected"]) == (2, 7, 0)


def test_who_records_a_long_file_at_once_is_told_that_others_wait(
    shop: Context, imp_here: Cli, tmp_path: Path, parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_warnings, "_LONG", 3)
    parts(lambda _: None)
    short, long = rows(tmp_path / "short.csv", 3), rows(tmp_path / "long.csv", 4)
    assert "at once" not in imp_here("consent", "import", short).ok().err
    for dry in (("--dry-run",), ()):
        said = imp_here("consent", "import", long, *dry).ok().err
        assert "warning: 4 rows are judged and recorded at once: until then nobody else can write" in said
        assert "--in-parts" in said
    assert imp_here("consent", "import", long).ok().err == "", "nothing is left to record"
    more = rows(tmp_path / "more.csv", 5)
    done = imp_here("consent", "import", more, "--rejects", tmp_path / "r.csv", "--in-parts").ok()
    assert "at once" not in done.err


def test_in_parts_goes_with_rejects_and_with_rows(shop: Context, imp_here: Cli, tmp_path: Path, size: Size) -> None:
    path, before = rows(tmp_path / "c.csv", 2), size()
    refused = imp_here("consent", "import", path, "--in-parts")
    assert (refused.code, "--rejects FILE" in refused.err) == (2, True)
    words = ("--format", "records", "--rejects", tmp_path / "r.csv", "--in-parts")
    assert "is for rows, not for records" in imp_here("consent", "import", path, *words).err
    assert size() == before


def test_a_rejects_file_that_cannot_be_written_at_the_end_takes_no_count_with_it(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts(lambda _: None)
    path, rejects = rows(tmp_path / "c.csv", 5, bad=(2,)), tmp_path / "r.csv"
    words = ("consent", "import", path, "--rejects", rejects, "--in-parts")

    def full(*_: object, **__: object) -> None:
        raise BadInput("the rejects file cannot be written: disk full", where="r.csv", mend="name another file")

    monkeypatch.setattr(taking, "write_rejects", full)
    refused = imp_here(*words)
    assert (refused.code, refused.out) == (2, "")
    assert "4 rows recorded, 1 faulty and left out, but the rejects file cannot be written: disk full" in refused.err
    assert "name another file" in refused.err
    assert [len(entries(f"member:{n}")) for n in range(1, 6)] == [1, 0, 1, 1, 1]
    monkeypatch.undo()
    parts(lambda _: None)
    again = imp_here(*words, "--json").ok().json
    assert (again["rows"], again["skipped"], again["rejected"]) == (0, 4, 1)
    assert rejects.read_text() == "line,field,problem\n3,purpose,unknown purpose\n"


def test_what_stopped_an_import_is_heard_though_the_rejects_file_cannot_be_written(
    shop: Context, imp_here: Cli, tmp_path: Path, parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = rows(tmp_path / "c.csv", 5, bad=(2,))

    def broken(_: int) -> None:
        raise LedgerBroken("the disk is gone", where="ledger")

    def full(*_: object, **__: object) -> None:
        raise BadInput("the rejects file cannot be written: disk full", where="r.csv", mend="name another file")

    parts(broken)
    monkeypatch.setattr(taking, "write_rejects", full)
    stopped = imp_here("consent", "import", path, "--rejects", tmp_path / "r.csv", "--in-parts")
    assert (stopped.code, "the disk is gone" in stopped.err) == (3, True)
    assert "stopped: 1 row of the file is recorded" in stopped.err
    assert "warning: the rejects file cannot be written: disk full" in stopped.err
