"""A channel's answers, read once into core's own plain types: no subclass, no surprise at the second look.

What a channel hands over may be of any class, and any look at it may run its code. So it is read in the channel's own
thread, under its deadline, and only copies leave that thread. Whatever is not what it should be raises `TypeError` or
`ValueError`, which the runner turns into `PluginBroken`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar

from imp_core.channel import (
    CheckResult,
    DeliveryReport,
    DeliveryStatus,
    JobRef,
    Plan,
    Preview,
    RowStatus,
)
from imp_core.wall.hush import said, said_whole
from imp_core.wall.words import plain_text

__all__ = ["check_result", "delivery_report", "plain_row", "plan"]

_MOST_PARTS = 1_000
_MOST_TEXT = 1_000_000

T = TypeVar("T")


def plain_row(row: object) -> RowStatus:
    """A row's status, made anew and so checked again.

    Raises:
        TypeError: not a `RowStatus`, or one of its fields is of another type.
        ValueError: not a status, or not a code.
    """
    if type(row) is not RowStatus:
        raise TypeError("not a RowStatus")
    code = None if row.code is None else plain_text(row.code)
    return RowStatus(key=plain_text(row.key), status=DeliveryStatus(plain_text(row.status)), code=code)


def delivery_report(answer: object, *, keys: Collection[str]) -> DeliveryReport:
    """A report with at most one plain status for each of `keys` and none for others.

    Raises:
        TypeError: not a report, or something in it is of another type.
        ValueError: it names a row that is not there, or one twice.
    """
    if type(answer) is not DeliveryReport:
        raise TypeError("not a DeliveryReport")
    rows: dict[str, RowStatus] = {}
    for item in _bounded(answer.rows, len(keys)):
        row = plain_row(item)
        if row.key not in keys or row.key in rows:
            raise ValueError("a row that is not there, or one twice")
        rows[row.key] = row
    job = None if answer.job is None else JobRef(id=plain_text(_exactly(answer.job, JobRef).id))
    return DeliveryReport(rows=tuple(rows.values()), job=job)


def check_result(answer: object) -> CheckResult:
    """A check's answer; its detail cut to what may be shown, without the call's secrets or any address.

    Raises:
        TypeError: not a `CheckResult`, or one of its fields is of another type.
    """
    found = _exactly(answer, CheckResult)
    if type(found.ok) is not bool:
        raise TypeError("ok must be true or false")
    return CheckResult(ok=found.ok, detail=said(found.detail))


def plan(answer: object) -> Plan:
    """A plan: exact types, bounded, its words and previews without the call's secrets or any address.

    Raises:
        TypeError: not a `Plan`, or one of its fields is of another type.
        ValueError: a negative or infinite amount, or more than a plan may hold.
    """
    found = _exactly(answer, Plan)
    if type(found.messages) is not int or found.messages < 0:
        raise ValueError("messages must be a whole number from 0")
    if found.cost is not None and not (_exactly(found.cost, Decimal).is_finite() and found.cost >= 0):
        raise ValueError("a cost must be an amount from 0")
    return Plan(
        messages=found.messages,
        cost=found.cost,
        currency=None if found.currency is None else said(found.currency),
        previews=tuple(_preview(item) for item in _bounded(found.previews, _MOST_PARTS)),
        warnings=tuple(said(item) for item in _bounded(found.warnings, _MOST_PARTS)),
    )


def _preview(item: object) -> Preview:
    found = _exactly(item, Preview)
    parts = {plain_text(name): plain_text(found.parts[name]) for name in _bounded(found.parts, _MOST_PARTS)}
    if sum(len(text) for text in parts.values()) > _MOST_TEXT:
        raise ValueError("too much text")
    return Preview(
        content=said_whole(found.content), parts={said_whole(name): said_whole(text) for name, text in parts.items()}
    )


def _exactly(value: object, kind: type[T]) -> T:
    if type(value) is not kind:
        raise TypeError(f"not a {kind.__name__}")
    return value


def _bounded(values: Iterable[Any], most: int) -> list[Any]:
    """All of them, if there are no more; a stranger's sequence may have no end."""
    found = list(islice(values, most + 1))
    if len(found) > most:
        raise ValueError("more than there can be")
    return found
