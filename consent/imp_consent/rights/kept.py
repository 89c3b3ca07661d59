"""For how long what is kept: one reading of imp.toml, for a person's copy, the record of processing and its assessment.

`[retention]` is what is carried out. `[records] retention` is what records of consent say of it; where it says another
thing, `contradictions` names that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from imp_consent.plane.schedule import Schedule, read_schedule, readable_schedule
from imp_consent.rights.wording import DEFAULT, Wording, read_wording
from imp_core.errors import BadInput

__all__ = ["Kept", "contradictions", "kept", "kept_as_read", "kept_texts", "nothing_set"]

_DURATION: Final = re.compile(r"P(?=\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?")
_UNITS: Final = ("year", "month", "week", "day")
_DAYS: Final = (366, 31, 7, 1)  # at most, of each unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One period: of `what` ("events" of a `type`, "evidence", "requests") so many `days`; "told": in `words`.

    "unread": there is a period that could not be read.
    """

    what: str
    type: str | None = None
    days: int | None = None
    words: str | None = None


def kept(config: Mapping[str, Any]) -> tuple[Kept, ...]:
    """The periods that `imp.toml` sets; none: what is kept is kept until its erasure is asked for.

    Raises:
        BadInput: [retention] is not a schedule.
    """
    return _periods(config, read_schedule(config))


def kept_as_read(config: Mapping[str, Any]) -> tuple[tuple[Kept, ...], tuple[BadInput, ...]]:
    """The periods as far as they can be read, for a person's copy, which waits for no setting; and what cannot."""
    schedule, faults = readable_schedule(config)
    periods = _periods(config, schedule)
    return ((*periods, Kept(what="unread")) if faults else periods), faults


def _periods(config: Mapping[str, Any], schedule: Schedule) -> tuple[Kept, ...]:
    told = _told(config)
    found = [Kept(what="events", type=type_, days=days) for type_, days in sorted(schedule.archive.items())]
    found += [
        Kept(what=what, days=days)
        for what, days in (("evidence", schedule.evidence), ("requests", schedule.requests))
        if days is not None
    ]
    return tuple(found) if told is None else (*found, Kept(what="told", words=told))


def kept_texts(periods: tuple[Kept, ...], wording: Wording | None = None) -> tuple[str, ...]:
    """The periods in words, one line each; English where no wording is given."""
    words = read_wording(DEFAULT) if wording is None else wording
    return tuple(
        words.say("kept", one.what, type=one.type, words=_plain(words, one.words), days=_days(words, one.days))
        for one in periods
    )


def nothing_set(wording: Wording | None = None) -> str:
    """What is said where there is no period."""
    return (read_wording(DEFAULT) if wording is None else wording).say("kept", "none")


def contradictions(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Where records of consent tell people another period than the one that is carried out.

    Raises:
        BadInput: [retention] is not a schedule.
    """
    told = _told(config)
    days = None if told is None else _most_days(told)
    if days is None:
        return ()
    schedule = read_schedule(config)
    found = [f"{name} = {n}" for name, n in schedule.named() if n is not None and n > days]
    endless = [name for name, n in schedule.named() if n is None]  # kept until somebody asks for its erasure
    if endless:
        found.append(f"{', '.join(endless)} {'is' if len(endless) == 1 else 'are'} not set")
    return tuple(
        f"one period for both: [records] retention tells people {told}, and by [retention] it is longer ({what})"
        for what in found
    )


def _days(words: Wording, n: int | None) -> str:
    return words.say("kept", "day") if n == 1 else words.say("kept", "days", n=n)


def _plain(words: Wording, told: str | None) -> str | None:
    """A duration as people read it, "1 year and 6 months"; any other words stay."""
    found = None if told is None else _DURATION.fullmatch(told.strip())
    if found is None:
        return told
    parts = [(unit, int(n)) for unit, n in zip(_UNITS, found.groups(), strict=True) if n is not None]
    return words.several(words.say("kept", unit if n == 1 else f"{unit}s", n=n) for unit, n in parts)


def _told(config: Mapping[str, Any]) -> str | None:
    table = config.get("records", {})
    told = table.get("retention") if isinstance(table, Mapping) else None
    return told if isinstance(told, str) and told.strip() else None


def _most_days(text: str) -> int | None:
    found = _DURATION.fullmatch(text.strip())
    return None if found is None else sum(int(n or 0) * most for n, most in zip(found.groups(), _DAYS, strict=True))
