"""`report`: what was spent."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from imp_core.channel import Capability, SpendPage, SpendRow, Window
from imp_core.errors import BadInput, ImpError
from imp_core.event import RowFault
from imp_testkit.bench import Bench
from imp_testkit.check import Ground, check, holds, require
from imp_testkit.malformed import malformed

__all__ = [
    "test_a_malformed_spend_file_is_refused_and_breaks_nothing",
    "test_spend_pages_are_of_the_declared_types_and_come_to_an_end",
]

_MOST_PAGES = 100
_CURRENCY = 3


def _reports(ground: Ground) -> bool:
    return ground.serves(Capability.REPORT) and bool(ground.fixtures.spend)


@check(_reports)
def test_spend_pages_are_of_the_declared_types_and_come_to_an_end(bench: Bench) -> None:
    """`report` gives pages of SpendRow, each with a day, an exact cost and its currency, until the cursor is None."""
    for inbound in bench.fixtures.spend:
        pages = _pages(bench, Window(source=bench.source(inbound)))
        require(len(pages) < _MOST_PAGES, f"more than {_MOST_PAGES} pages", "end with cursor=None")
        rows = [row for page in pages for row in page.rows]
        odd = [row for row in rows if not _is_row(row)]
        require(not odd, f"{len(odd)} rows of other types", "SpendRow: ISO day, Decimal cost, currency by ISO 4217")
        faults = [fault for page in pages for fault in page.faults]
        fine = len(faults) == inbound.faults and all(type(fault) is RowFault for fault in faults)
        found = f"{inbound.name} gave {len(faults)} faults, not {inbound.faults}"
        require(fine, found, "mend the reading, or Inbound.faults")
        require(rows or not inbound.content, f"{inbound.name} gave no row", "read it, or give a file with spend")


@check(_reports)
def test_a_malformed_spend_file_is_refused_and_breaks_nothing(bench: Bench) -> None:
    """What cannot be read is BadInput (the file) or a RowFault (a row), whatever somebody fed it."""
    for source, how in malformed(bench, bench.fixtures.spend):
        try:
            _pages(bench, Window(source=source))
        except BadInput:
            continue
        except ImpError as error:
            require(kept=False, found=f"{how}: {bench.why(error)}", mend="raise BadInput, or answer a RowFault")


def _pages(bench: Bench, window: Window) -> list[SpendPage]:
    pages: list[SpendPage] = []
    cursor: str | None = None
    while len(pages) < _MOST_PAGES:
        page = bench.call("report", bench.context, window, cursor)
        kind = type(page)
        require(kind is SpendPage, f"report answered {kind.__name__}", "answer an imp_core.channel.SpendPage")
        pages.append(page)
        cursor = page.cursor
        if cursor is None:
            break
    return pages


def _is_row(row: object) -> bool:
    if not isinstance(row, SpendRow) or not holds(row, SpendRow, day=str, cost=Decimal, currency=str):
        return False
    try:
        date.fromisoformat(row.day)
    except ValueError:
        return False
    return row.cost.is_finite() and len(row.currency) == _CURRENCY
