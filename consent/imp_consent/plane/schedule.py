"""For how long what is kept, as `[retention]` of imp.toml says it; `imp_consent.plane.retention` carries it out.

[retention]
evidence = 1095        # days after the last permission ended that a person's proof of consent is kept
requests = 1095        # days after its answer that what a person asked is kept

[retention.archive]    # days that events are kept, by type
touchpoint = 395
outcome = 730
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from imp_core.errors import BadInput
from imp_core.event import EventType
from imp_core.known_settings import KNOWN, meant, shown
from imp_core.ports import Json

__all__ = ["Schedule", "read_schedule", "readable_schedule"]

_MOST_DAYS: Final = 36_500
_TABLE, _ARCHIVE = "retention", "retention.archive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """For how many days what is kept: events by type, evidence after the last permission, requests after the answer.

    None, or a type that is not there: as long as there is no erasure.
    """

    archive: Mapping[str, int] = field(default_factory=dict)
    evidence: int | None = None
    requests: int | None = None

    def plain(self) -> dict[str, Json]:
        """The schedule as JSON."""
        return {"archive": dict(sorted(self.archive.items())), "evidence": self.evidence, "requests": self.requests}

    def named(self) -> tuple[tuple[str, int | None], ...]:
        """All that is kept by its name in [retention], None where no period is set: events first, by type."""
        archive = ((f"archive.{name}", self.archive.get(name)) for name in sorted(EventType))
        return (*archive, ("evidence", self.evidence), ("requests", self.requests))


def read_schedule(config: Mapping[str, Any]) -> Schedule:
    """The schedule of `imp.toml`.

    Raises:
        BadInput: [retention] holds something else: a misspelt period would silently keep for ever.
    """
    schedule, faults = readable_schedule(config)
    for fault in faults:
        raise fault
    return schedule


def readable_schedule(config: Mapping[str, Any]) -> tuple[Schedule, tuple[BadInput, ...]]:
    """What of the schedule can be read, and what is wrong with the rest, each by the name of its line."""
    table = config.get("retention", {})
    if not isinstance(table, dict):
        return Schedule(), (_no_table(_TABLE, "imp.toml, [retention]"),)
    faults = _unknown(table, _TABLE)
    periods = table.get("archive", {})
    if not isinstance(periods, dict):
        faults.append(_no_table(_ARCHIVE, "imp.toml, [retention] archive"))
        periods = {}
    faults += _unknown(periods, _ARCHIVE)
    archive = {str(name): _days(periods.get(name), _ARCHIVE, name, faults) for name in EventType}
    schedule = Schedule(
        archive={name: days for name, days in archive.items() if days is not None},
        evidence=_days(table.get("evidence"), _TABLE, "evidence", faults),
        requests=_days(table.get("requests"), _TABLE, "requests", faults),
    )
    return schedule, tuple(faults)


def _days(value: object, table: str, name: str, faults: list[BadInput]) -> int | None:
    if value is None or (type(value) is int and 1 <= value <= _MOST_DAYS):
        return value
    faults.append(
        BadInput(
            f"not a number of days from 1 to {_MOST_DAYS}",
            where=f"imp.toml, [{table}] {name}",
            mend=f"write it like: {name} = 1095",
        )
    )
    return None


def _unknown(table: Mapping[str, Any], path: str) -> list[BadInput]:
    """A name that nothing reads: the period that it may have been meant for is not set."""
    return [
        BadInput("nothing reads this setting", where=f"imp.toml, [{path}] {shown(name)}", mend=meant(name, path))
        for name in sorted(set(table) - (KNOWN[path] or set()))
    ]


def _no_table(name: str, where: str) -> BadInput:
    return BadInput("not a table", where=where, mend=f"write it as a line [{name}] with its periods below it")
