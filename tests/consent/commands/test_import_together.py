"""`imp consent import --in-parts` records all rows of a person in one part: no yes stands that the file takes back."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.commands import aside as aside_module
from imp_consent.commands import taking
from imp_consent.commands.aside import Aside, Fault, ReadRow
from imp_consent.commands.importer import rows_source
from imp_consent.commands.parts import person_of
from imp_consent.commands.row_numbers import RowNumbers, ranges_of
from imp_consent.ledger.entry import PersonEntry
from imp_consent.policy.saying import Saying
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.event import RawId

Cli = Any
Entries = Callable[[str], list[PersonEntry]]
System = Callable[[str], list[dict[str, Any]]]

HEADER = "identifier,purpose,state,at\n"
YES_AT, NO_AT = "2026-01-01T10:00:00Z", "2026-02-01T10:00:00Z"


class Stopped(BaseException):
    """The import is ended from outside."""


@pytest.fixture
def stopped_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Parts of three rows, of which the last that is recorded is the one given; None: none stops it."""

    def put(last: int | None) -> None:
        done = iter(range(1, 10_000))

        def between(_: float) -> None:
            if next(done) == last:
                raise Stopped

        monkeypatch.setattr(taking, "PART", 3)
        monkeypatch.setattr(taking.time, "sleep", between)

    return put


def take(ctx: Context, path: Path, rejects: Path) -> None:
    taking.take_in(ctx, rows_source(path, None, now_us=ctx.clock.now_us()), rejects_path=rejects, in_parts=True)


def test_r08_a_yes_that_the_file_takes_back_further_down_never_stands_in_parts(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, system: System, stopped_after: Any
) -> None:
    path, rejects = tmp_path / "c.csv", tmp_path / "r.csv"
    yeses = "".join(f"member:{n},analytics,given,{YES_AT}\n" for n in range(1, 10))
    path.write_text(HEADER + yeses + "".join(f"member:{n},analytics,withdrawn,{NO_AT}\n" for n in range(1, 10)))
    stopped_after(1)
    with pytest.raises(Stopped):
        take(shop, path, rejects)
    assert [len(entries(f"member:{n}")) for n in range(1, 10)] == [2, 2, *[0] * 7]
    for n in (1, 2):
        assert imp_here("consent", "check", f"member:{n}", "--purpose", "analytics").code == 1
    assert imp_here("audit", "verify").ok()
    stopped_after(None)
    done = imp_here("consent", "import", path, "--rejects", rejects, "--in-parts", "--json").ok().json
    assert (done["rows"], done["skipped"], done["given"], done["withdrawn"]) == (14, 4, 7, 7)
    assert [[entry.statement.type for entry in entries(f"member:{n}")] for n in range(1, 10)] == [
        ["grant", "withdraw"]
    ] * 9
    assert [(one["begin"], one.get("through")) for one in system("import")] == [
        (1, 2),
        (3, 4),
        (5, 6),
        (7, 8),
        (9, None),
    ]
    assert "all 18 rows of this file were imported before" in imp_here("consent", "import", path).ok().out
    assert imp_here("audit", "verify").ok()


def test_spellings_of_an_address_and_identifiers_of_one_person_are_of_one_person(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, stopped_after: Any
) -> None:
    imp_here("consent", "record", "member:7", "--purpose", "analytics", "--state", "refused", "--at", YES_AT).ok()
    imp_here("consent", "link", "member:7", "phone:+4930901820", "--verified", "reasonable", "--how", "x").ok()
    path = tmp_path / "c.csv"
    path.write_text(
        f"{HEADER}email:ann@example.com,analytics,given,{YES_AT}\nmember:7,analytics,given,{YES_AT}\n"
        + "".join(f"member:x{n},analytics,refused,{YES_AT}\n" for n in range(8))
        + f"email: Ann@Example.com ,analytics,withdrawn,{NO_AT}\nphone:+49 30 901820,analytics,withdrawn,{NO_AT}\n"
    )
    stopped_after(1)
    with pytest.raises(Stopped):
        take(shop, path, tmp_path / "r.csv")
    assert [entry.statement.type for entry in entries("email:ann@example.com")] == ["grant", "withdraw"]
    assert [entry.statement.type for entry in entries("member:7")][-2:] == ["grant", "withdraw"]


def test_whoever_is_known_by_a_spelling_of_ones_address_goes_along_by_whichever_identifier_a_row_names_one(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, monkeypatch: pytest.MonkeyPatch, stopped_after: Any
) -> None:
    people = range(12)  # whose subject's number is the smaller is by chance: of so many it is one or the other
    path = tmp_path / "c.csv"
    known = (
        f"{who},analytics,refused,{YES_AT}\n" for n in people for who in (f"member:{n}", f"email:a.b{n}@gmail.com")
    )
    path.write_text(HEADER + "".join(known))
    imp_here("consent", "import", path).ok()
    for n in people:
        told = ("--verified", "reasonable", "--how", "x")
        imp_here("consent", "link", f"member:{n}", f"email:ab{n}@gmail.com", *told).ok()
    with open_log(shop).read() as reader:
        whose = person_of(reader)
        for n in people:
            raws = (RawId("member", str(n)), RawId("email", f"ab{n}@gmail.com"), RawId("email", f"a.b{n}@gmail.com"))
            assert len({whose(raw) for raw in raws}) == 1
    yeses = "".join(f"member:{n},analytics,given,{NO_AT}\n" for n in people)
    path.write_text(HEADER + yeses + "".join(f"email:ab{n}@gmail.com,analytics,withdrawn,{NO_AT}\n" for n in people))
    stopped_after(1)
    monkeypatch.setattr(taking, "PART", len(people))
    with pytest.raises(Stopped):
        take(shop, path, tmp_path / "r.csv")
    said = [[entry.statement.type for entry in entries(f"member:{n}")][-1] for n in people]
    assert (said.count("withdraw"), "grant" in said) == (6, False)


@pytest.mark.parametrize("seed", range(12))
def test_stopped_after_any_part_and_mended_every_row_is_recorded_once(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, stopped_after: Any, seed: int
) -> None:
    chance = random.Random(seed)
    people = [chance.randrange(1, 9) for _ in range(24)]
    faulty = {n for n in range(1, 25) if chance.random() < 0.3}
    said = [
        f"member:{who},{'ads' if n in faulty else 'analytics'},refused,2026-01-01T10:00:{n:02}Z\n"
        for n, who in enumerate(people, 1)
    ]
    path, rejects = tmp_path / "c.csv", tmp_path / "r.csv"
    path.write_text(HEADER + "".join(said))

    def recorded() -> list[int]:
        found = [str(entry.payload["evidence"]) for who in range(1, 9) for entry in entries(f"member:{who}")]
        return sorted(int(evidence.rpartition("#")[2]) for evidence in found)

    for last in (1, 1, 2):  # where it is stopped, each time further on
        stopped_after(last)
        with contextlib.suppress(Stopped):
            take(shop, path, rejects)
        assert len(set(recorded())) == len(recorded())
    stopped_after(None)
    take(shop, path, rejects)
    assert recorded() == sorted(set(range(1, 25)) - faulty)
    assert len(rejects.read_text().splitlines()) - 1 == len(faulty)
    imp_here("consent", "purpose", "add", "ads", "--description", "We advertise.", "--trait", "none").ok()
    for last in (1, None):
        stopped_after(last)
        with contextlib.suppress(Stopped):
            take(shop, path, rejects)
    assert recorded() == list(range(1, 25))
    size = sum(len(entries(f"member:{who}")) for who in range(1, 9))
    take(shop, path, rejects)
    assert sum(len(entries(f"member:{who}")) for who in range(1, 9)) == size
    assert imp_here("audit", "verify").ok()


@given(st.lists(st.integers(0, 6), max_size=60), st.integers(1, 9), st.sampled_from([1, 200, 1 << 16]))
def test_together_gives_each_persons_rows_in_their_order_where_the_first_stands(
    people: list[int], batch: int, loose: int
) -> None:
    rows: list[ReadRow | Fault] = [
        Fault(number=n, place=n, mark=n, field="at", problem="empty")
        if who == 0
        else ReadRow(n, n, n, RawId("member", str(who)), Saying(type="grant", purpose="p", at_us=n))
        for n, who in enumerate(people, 1)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aside_module, "_BATCH", batch)
        patch.setattr(aside_module, "_LOOSE", loose)
        found = Aside(whose=lambda raw: raw.value)
        found.put(rows)
        together = [[row.number for row in theirs] for theirs in found.together()]
    expected: dict[object, list[int]] = {}
    for n, who in enumerate(people, 1):
        expected.setdefault(who or ("fault", n), []).append(n)
    assert together == list(expected.values())


@given(st.sets(st.integers(1, 300)), st.sets(st.integers(1, 300)))
def test_row_numbers_hold_what_their_ranges_say(some: set[int], more: set[int]) -> None:
    held = RowNumbers().including(ranges_of(some)).including(ranges_of(more))
    assert {number for number in range(400) if number in held} == some | more
    assert all(after[0] > before[1] + 1 for before, after in zip(ranges_of(some), ranges_of(some)[1:], strict=False))
