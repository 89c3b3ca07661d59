"""Whoever was erased stays erased: no import and no record brings them back, only a consent of their own."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from imp_consent.commands.audit import verify_workspace
from imp_consent.commands.check import check
from imp_consent.commands.erase import erase
from imp_consent.commands.importer import import_file
from imp_consent.commands.ingest import ingest
from imp_consent.commands.record import record
from imp_consent.ledger.suppression import Suppressed
from imp_consent.ledger.tombstones import Tombstones
from imp_consent.runtime import open_log
from imp_core.cli import invoke
from imp_core.clock import format_time, parse_time
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

ANN = RawId("email", "ann@example.com")
START_US: Final = parse_time("2026-03-01T12:00:00Z")  # when she first gave consent
VARIANTS = [ANN, RawId("email", "Ann+shop@Example.com")]


@pytest.fixture
def erased(shop: Context) -> Context:
    erase(shop, [ANN])
    return shop


@pytest.fixture
def imp_file(place: Any, erased: Context, tmp_path: Path) -> Callable[[str], str]:
    """Import rows as a user does; returns what is said."""
    erased.close()

    def run(rows: str) -> str:
        (tmp_path / "rows.csv").write_text("identifier,purpose,state,at\n" + rows, encoding="utf-8")
        out, context = io.StringIO(), place.open()
        with contextlib.redirect_stdout(out):
            assert invoke(["consent", "import", str(tmp_path / "rows.csv")], context) == 0
        context.close()
        return out.getvalue().strip()

    return run


def people(ctx: Context) -> int:
    with open_log(ctx).read() as reader:
        (n,) = reader.sql.execute("SELECT count(*) FROM subject_key").fetchone()
    return int(n)


@pytest.mark.parametrize("state", ["given", "refused", "withdrawn"])
@pytest.mark.parametrize("raw", VARIANTS)
def test_r30_nothing_is_recorded_about_the_erased_in_any_spelling(erased: Context, raw: RawId, state: str) -> None:
    size = open_log(erased).size
    with pytest.raises(Suppressed) as refused:
        record(erased, raw, purpose="analytics", state=state)
    assert refused.value.exit_code == 1
    assert "--returning" in (refused.value.mend or "")
    assert "ann" not in str(refused.value)
    assert (open_log(erased).size, people(erased)) == (size, 1)


def test_r30_an_import_counts_the_erased_and_takes_everybody_else(erased: Context, tmp_path: Path) -> None:
    path = tmp_path / "again.csv"
    rows = [f"{who},analytics,given,2026-03-01T12:00:00Z" for who in ("email:ann@example.com", "member:王")]
    path.write_text("identifier,purpose,state,at\n" + "\n".join(rows) + "\n", encoding="utf-8")
    done = import_file(erased, path)
    assert (done.rows, done.suppressed, done.rejected, done.people) == (1, 1, 0, 1)
    assert check(erased, ANN, purpose="analytics").reason == "no_record"
    again = import_file(erased, path)
    assert (again.rows, again.suppressed, again.skipped) == (0, 1, 1)
    (entry,) = erased.ledger.entries("import")
    assert entry.fields["suppressed"] == 1


def test_an_import_of_the_erased_alone_records_nothing_and_is_no_error(erased: Context, tmp_path: Path) -> None:
    path = tmp_path / "only.csv"
    path.write_text("identifier,purpose,state,at\nemail:ANN@example.com,analytics,given,2026-03-01T12:00:00Z\n")
    done = import_file(erased, path)
    assert (done.rows, done.suppressed, done.first_seq) == (0, 1, None)
    assert verify_workspace(erased).ok


def test_only_a_consent_of_their_own_brings_them_back_as_somebody_new(erased: Context) -> None:
    with pytest.raises(BadInput, match="only a consent"):
        record(erased, ANN, purpose="analytics", state="withdrawn", returning=True)
    record(erased, ANN, purpose="analytics", state="given", returning=True)
    assert check(erased, ANN, purpose="analytics").permitted
    subject = erased.gate.resolve(ANN)
    assert subject is not None
    with open_log(erased).read() as reader:
        (entry,) = reader.history(subject)
        assert entry.payload["returning"] is True
        assert reader.sql.execute("SELECT count(*) FROM suppression").fetchone() == (0,)
    log = open_log(erased)
    buried = Tombstones(log.keyring.folder, log.keyring).read()
    assert (len(buried.erased), len(buried.suppressed), buried.holds(subject)) == (1, 0, False)
    assert verify_workspace(erased).ok
    record(erased, ANN, purpose="analytics", state="withdrawn")


def test_a_return_is_now_and_takes_no_time(erased: Context) -> None:
    size = open_log(erased).size
    with pytest.raises(BadInput, match="its time is now"):
        record(erased, ANN, purpose="analytics", state="given", returning=True, at_us=START_US)
    assert open_log(erased).size == size


def test_consent_from_before_the_return_counts_no_more_but_a_no_does(erased: Context, tmp_path: Path) -> None:
    before = format_time(START_US)
    record(erased, ANN, purpose="experimentation", state="given", returning=True)
    with pytest.raises(Suppressed, match="came back") as refused:
        record(erased, ANN, purpose="analytics", state="given", at_us=START_US)
    assert "ann" not in str(refused.value)
    path = tmp_path / "old.csv"
    rows = [f"{who},analytics,given,{before}" for who in ("email:Ann@Example.com", "member:王")]
    rows.append(f"email:ann@example.com,marketing.email,refused,{before}")
    path.write_text("identifier,purpose,state,at\n" + "\n".join(rows) + "\n", encoding="utf-8")
    done = import_file(erased, path)
    assert (done.rows, done.suppressed, done.given, done.refused) == (2, 1, 1, 1)
    asked = [check(erased, ANN, purpose=purpose).reason for purpose in ("analytics", "marketing.email")]
    assert asked == ["purpose_not_covered", "refused"]
    assert check(erased, ANN, purpose="experimentation").permitted
    record(erased, ANN, purpose="analytics", state="given")
    assert check(erased, ANN, purpose="analytics").permitted
    assert verify_workspace(erased).ok


def test_the_same_file_again_says_who_was_left_out(erased: Context, imp_file: Callable[[str], str]) -> None:
    alone = f"email:ann@example.com,analytics,given,{format_time(START_US)}\n"
    assert imp_file(alone) == imp_file(alone) == "nothing recorded, 1 of people who were erased left out"
    both = alone + f"member:王,analytics,given,{format_time(START_US)}\n"
    assert "1 row about 1 person" in imp_file(both)
    again = "nothing new: 1 row of this file was imported before, 1 of people who were erased left out"
    assert imp_file(both) == again


def test_events_of_the_erased_are_nobodys(
    erased: Context, tmp_path: Path, csv_of: Callable[[int, list[str]], str]
) -> None:
    path = tmp_path / "more.csv"
    path.write_text(csv_of(7, ["email:ann@example.com", "member:ben"]))
    done = ingest(erased, "file", path)
    assert done.admitted == 1
    assert people(erased) == 1


def test_returning_where_nobody_was_erased_changes_nothing(shop: Context) -> None:
    record(shop, RawId("member", "carla"), purpose="analytics", state="given", returning=True)
    assert check(shop, RawId("member", "carla"), purpose="analytics").permitted
