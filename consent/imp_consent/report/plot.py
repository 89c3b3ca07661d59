"""A count over time as static SVG: a step line that needs no script, no font file and no colour to be read.

Written by hand rather than drawn by a library: one kind of plot is needed, its text must stay text (to be searched,
read aloud, enlarged), its bytes the same on every machine, and a drawing library is ten times the rest of the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from imp_consent.report.report import ConsentByPurpose, Point

__all__ = ["consent_svg", "nice_top"]

_WIDTH, _HEIGHT = 720, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 84, 14, 34
_FLOOR: Final = _HEIGHT - _BOTTOM
_TICKS: Final = 5
_DAY: Final = 10  # characters of an ISO 8601 date


def consent_svg(consent: ConsentByPurpose, k: int) -> str:
    """One purpose's plot, or "" where nothing is to be drawn: fewer than k people all along."""
    points = consent.points
    known = [point.people for point in points if point.people is not None]
    if not known or max(known) == 0:
        return ""
    top, label = nice_top(max(known)), f"Consent to {consent.purpose} over time"
    parts = [
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label={quoteattr(_told(consent, k))}>',
        f"<title>{escape(label)}</title>",
        *_grid(top),
        *_days(points),
        *(_stretch(stretch, points, top) for stretch in _stretches(points)),
        *(_gap(first, last, points) for first, last in _gaps(points)),
        *_end(points, top),
        "</svg>",
    ]
    return "\n".join(parts)


def nice_top(highest: int) -> int:
    """The least of 1, 2, 5, 10, 20, 50, … that is not below a count; at least 2, so that its half is whole too."""
    step = 1
    while True:
        for top in (step, 2 * step, 5 * step):
            if top >= max(highest, 2):
                return top
        step *= 10


def _told(consent: ConsentByPurpose, k: int) -> str:
    first, last = consent.points[0], consent.points[-1]
    low, high = _extremes(consent.points)
    return (
        f"Step line: people whose consent to {consent.purpose} was in force, {_people(first.people, k)} on "
        f"{first.at[:_DAY]}, {_people(last.people, k)} on {last.at[:_DAY]}, lowest {low}, highest {high}. "
        "The table below has the numbers."
    )


def _extremes(points: Sequence[Point]) -> tuple[int, int]:
    known = [point.people for point in points if point.people is not None]
    return min(known), max(known)


def _people(n: int | None, k: int) -> str:
    return f"fewer than {k}" if n is None else str(n)


def _x(index: int, points: Sequence[Point]) -> float:
    return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * index / max(1, len(points) - 1), 1)


def _y(people: int, top: int) -> float:
    return round(_FLOOR - (_FLOOR - _TOP) * people / top, 1)


def _grid(top: int) -> Iterator[str]:
    for people in (0, top // 2, top):
        y = _y(people, top)
        yield f'<line class="grid" x1="{_LEFT}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}"/>'
        yield f'<text class="tick" x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{people:,}</text>'


def _days(points: Sequence[Point]) -> Iterator[str]:
    step = max(1, -(-(len(points) - 1) // _TICKS))
    last_day = ""
    for index in range(0, len(points), step):
        x, day = _x(index, points), points[index].at[:_DAY]
        if day != last_day:
            yield f'<line class="axis" x1="{x}" y1="{_FLOOR}" x2="{x}" y2="{_FLOOR + 5}"/>'
            yield f'<text class="tick" x="{x}" y="{_FLOOR + 20}" text-anchor="middle">{day}</text>'
        last_day = day


def _stretches(points: Sequence[Point]) -> Iterator[list[int]]:
    """The places of points without a gap between them."""
    stretch: list[int] = []
    for index, point in enumerate(points):
        if point.people is not None:
            stretch.append(index)
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _stretch(places: Sequence[int], points: Sequence[Point], top: int) -> str:
    """Steps: a count holds until the next one."""
    path: list[str] = []
    for place in places:
        x, y = _x(place, points), _y(points[place].people or 0, top)
        path.append(f"M{x} {y}" if not path else f"H{x}V{y}")
    end = min(places[-1] + 1, len(points) - 1)
    path.append(f"H{_x(end, points)}")
    line = "".join(path)
    area = f"{line}V{_FLOOR}H{_x(places[0], points)}Z"
    return f'<path class="area" d="{area}"/><path class="line" d="{line}"/>'


def _gaps(points: Sequence[Point]) -> Iterator[tuple[int, int]]:
    first: int | None = None
    for index, point in enumerate(points):
        if point.people is None:
            first = index if first is None else first
        elif first is not None:
            yield first, index
            first = None
    if first is not None and first < len(points) - 1:
        yield first, len(points) - 1


def _gap(first: int, last: int, points: Sequence[Point]) -> str:
    return f'<line class="few" x1="{_x(first, points)}" y1="{_FLOOR - 3}" x2="{_x(last, points)}" y2="{_FLOOR - 3}"/>'


def _end(points: Sequence[Point], top: int) -> Iterator[str]:
    """The last count, written beside the line."""
    last, x = points[-1].people, _WIDTH - _RIGHT
    if last is not None:
        y = _y(last, top)
        yield f'<circle class="end" cx="{x}" cy="{y}" r="3.5"/>'
        yield f'<text class="value" x="{x + 10}" y="{y + 5}">{last:,}</text>'
    else:
        yield f'<text class="value" x="{x + 10}" y="{_FLOOR}">few</text>'
