"""Whoever is handed a use's frames can ask them in SQL: the rows that did not pass are not there to be asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from imp_consent.plane.view import ConsentUse
from imp_consent.runtime import open_log, open_view
from imp_core.clock import DAY_US, SimulatedClock, format_time
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.gate import Action, Use

# Those whom the archive has events of: who permitted throughout, who is asked about row by row, who took it back since.
PASSING, RENEWED, DENIED = "member:1", "member:2", "member:3"
LEAKS = ("archive_row", "consent_untested", "consent_rectangle", "consent_window", "passing")


@pytest.fixture
def opened(imp_here: Any, context: Context, clock: SimulatedClock) -> Iterator[ConsentUse]:
    """A use, opened after somebody withdrew."""
    imp_here("init", "--controller", "Shop").ok()
    imp_here("plugin", "enable", "file").ok()

    def say(who: str, state: str) -> None:
        imp_here("consent", "record", who, "--purpose", "analytics", "--state", state).ok()
        clock.move_to(clock.now_us() + DAY_US)

    def take(number: int) -> None:
        path = context.directory / f"{number}.csv"
        rows = (
            f"touchpoint,{who},{format_time(clock.now_us() - DAY_US // 2)},analytics,{who[-1]}-{number}\n"
            for who in (PASSING, RENEWED, DENIED)
        )
        path.write_text("type,identifier,at,purpose,id\n" + "".join(rows))
        imp_here("ingest", "file", str(path)).ok()

    for who in (PASSING, RENEWED, DENIED):
        say(who, "given")
    take(1)
    say(RENEWED, "withdrawn")
    say(RENEWED, "given")
    take(2)
    say(DENIED, "withdrawn")
    context.reload_workspace()
    use = open_view(context).open(Use(purpose="analytics", action=Action.ANALYSE))
    yield use
    use.abandon()


@pytest.fixture
def rows(opened: ConsentUse, context: Context) -> dict[str, int]:
    """How many rows everybody has in the archive, and how many of them pass: what is there to leak."""
    with open_log(context).read() as reader:
        names = {reader.find_subject(RawId.parse(who)): who for who in (PASSING, RENEWED, DENIED)}
    found = dict.fromkeys(names.values(), 0)
    for (subject,) in opened.events.select("subject").fetchall():
        found[names[subject]] += 1
    return found


def asked(use: ConsentUse, sql: str) -> list[Any]:
    """What SQL answers where it may be written: by a query, a condition, a column."""
    found = []
    for ask in (
        lambda: use.events.query("handed", sql).fetchall(),
        lambda: use.closed.query("handed", sql).fetchall(),
        lambda: use.refused.query("handed", sql).fetchall(),
        lambda: use.events.limit(1).project(f"(SELECT list(x) FROM ({sql}) x)").fetchall(),
        lambda: use.events.filter(f"NOT EXISTS ({sql})").fetchall(),
        lambda: duckdb.sql(sql).fetchall(),
    ):
        with pytest.raises(duckdb.Error) as refused:
            found += ask()
        found.append(type(refused.value).__name__)
    return found


def test_the_archive_holds_rows_that_do_not_pass_and_the_frames_do_not(
    opened: ConsentUse, rows: dict[str, int], context: Context
) -> None:
    assert rows == {PASSING: 2, RENEWED: 2, DENIED: 0}
    with open_log(context).read() as reader:
        assert sum(int(str(row[6])) for row in reader.sealed.select("batch")) == 6


def test_no_name_leads_to_the_rows_that_did_not_pass(opened: ConsentUse) -> None:
    for name in LEAKS:
        assert asked(opened, f"SELECT * FROM {name}") == ["CatalogException"] * 6, name


def test_of_those_who_are_asked_about_row_by_row_only_what_passes_is_kept(
    opened: ConsentUse, rows: dict[str, int]
) -> None:
    found = opened.events.query("handed", "SELECT count(*), bool_and(permitted) FROM consent_tested").fetchall()
    assert found == [(rows[RENEWED], True)]


def test_nothing_that_the_connection_lists_holds_a_row_that_did_not_pass(
    opened: ConsentUse,
) -> None:
    passing = {event for (event,) in opened.events.select("event_id").fetchall()}
    listed = opened.events.query("handed", "SELECT table_name FROM duckdb_tables() WHERE NOT internal").fetchall()
    listed += opened.events.query("handed", "SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    assert len(listed) >= 4
    for (name,) in listed:
        if name == "handed":
            continue
        found = opened.events.query("handed", f'SELECT * FROM "{name}"')
        if "event_id" in found.columns:
            assert {row[found.columns.index("event_id")] for row in found.fetchall()} <= passing
        else:
            assert set(found.columns) <= {"subject", "from_us", "to_us", "from_seq", "to_seq", "reason"} | {
                "type", "experiment", "phase", "variant", "subjects",
            }  # fmt: skip


def test_sql_in_a_frame_opens_no_other_file(opened: ConsentUse, context: Context) -> None:
    workspace = context.workspace
    sources = (
        f"read_parquet('{workspace.archive}/*.parquet')",
        f"glob('{workspace.archive}/*')",
        f"read_text('{workspace.root}/imp.toml')",
        f"read_blob('{workspace.root}/ledger.db')",
        "read_csv('/etc/passwd')",
        f"'{workspace.root}/archive/x.parquet'",
    )
    for source in sources:
        for frame in (opened.events, opened.closed, opened.refused):
            with pytest.raises(duckdb.Error):
                frame.query("handed", f"SELECT * FROM {source}").fetchall()


def test_sql_in_a_frame_writes_no_file_and_changes_no_setting(opened: ConsentUse, context: Context) -> None:
    root = context.workspace.root
    statements = (
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET lock_configuration = false",
        f"COPY (SELECT 1) TO '{root}/out.csv'",
        f"ATTACH '{root}/ledger.db' AS ledger (TYPE sqlite)",
        "INSTALL httpfs",
    )
    for statement in statements:
        with pytest.raises(duckdb.Error):
            opened.events.query("handed", statement)
    assert not (root / "out.csv").exists()
    assert opened.events.aggregate("count(*)").fetchall() == [(4,)]


def test_by_the_very_path_of_a_file_of_the_archive_sql_reads_it_as_any_program_of_this_account_can(
    opened: ConsentUse,
) -> None:
    paths = [str(file.path) for file in opened.files]
    assert all(path in opened.events.sql_query() for path in paths), "and the frame tells them"
    found = opened.events.query("handed", f"SELECT count(*) FROM read_parquet({paths})").fetchall()
    assert found == [(6,)]
