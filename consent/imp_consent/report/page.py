"""An audit report as one HTML file: no script, nothing loaded from elsewhere, readable aloud and on paper."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from imp_consent.report.plot import consent_svg
from imp_consent.report.report import Cell, ConsentByPurpose, Point, Report
from imp_consent.rights.page import without_controls
from imp_core.counting import some

__all__ = ["render_report"]

_ROWS: Final = 14  # of a table beside a plot


def render_report(report: Report) -> str:
    """The page of a report. Whatever people wrote is escaped."""
    environment = Environment(
        loader=PackageLoader("imp_consent.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_safe,
    )
    environment.filters |= {"count": _count, "cell": _cell, "day": _day, "minute": _minute, "some": some}
    template = environment.get_template("report.html.j2")
    return template.render(
        r=report,
        plots={
            consent.purpose: Markup(consent_svg(consent, report.k))  # noqa: S704 (every text in it is escaped there)
            for consent in report.consent
        },
        tables={consent.purpose: _moves(consent) for consent in report.consent},
    )


def _safe(value: object) -> object:
    return without_controls(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _count(n: int | None) -> str:
    return "few" if n is None else f"{n:,}"


def _cell(value: Cell) -> str:
    if not value.few:
        return f"{value.n:,}"
    return f"{value.n:,} and few" if value.n else "few"


def _day(at: str) -> str:
    return at[:10]


def _minute(at: str) -> str:
    return f"{at[:10]} {at[11:16]}"


def _moves(consent: ConsentByPurpose) -> list[Point]:
    """The points at which the line moves, thinned out where there are many: begin and end stay."""
    points = list(consent.points)
    moved = [point for before, point in pairwise(points) if point.people != before.people]
    step = max(1, -(-len(moved) // _ROWS))
    shown = [points[0], *moved[::step]]
    if len(shown) > 1 and _day(shown[-1].at) == _day(points[-1].at):
        shown.pop()  # days are shown: the end of its day says what there is to say
    return shown if shown[-1] == points[-1] else [*shown, points[-1]]
