"""What a readout released of the levels of a dimension, as the ledger's `use-close` keeps it: counts, no names.

    {"experiment": "…", "phase": 1, "dimension": "channel", "size": 50, "through": [20460],
     "levels": {"9f86d081": [[120, 118]], …}}

Per level the units of each variant (control first) in each population: the cohorts up to a day of `through`. All are k
or more. A level is kept by a short hash of its name, so that the ledger holds no words of the archive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from imp_core.errors import LedgerBroken
from imp_core.ports import Json, SystemEntry
from imp_experiments.measure.merge import OTHER

__all__ = ["Released", "level_key", "released_fields", "released_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """The cells of one breakdown: `levels` are keys → population → variant → units, `through` the populations' days.

    `size` is the ledger size they were read at, `seq` the entry that keeps them (None: not released yet).
    """

    dimension: str
    size: int
    through: tuple[int, ...]
    levels: Mapping[str, tuple[tuple[int, ...], ...]]
    seq: int | None = None

    def key(self, level: str) -> str:
        """Under which key a level's units were counted."""
        key = level_key(self.dimension, level)
        return key if key in self.levels and level != OTHER else level_key(self.dimension, OTHER)


def level_key(dimension: str, level: str) -> str:
    """Eight hexadecimal digits of a level's name."""
    return hashlib.sha256(f"{dimension}\x1f{level}".encode()).hexdigest()[:8]


def released_fields(released: Released, experiment: str, phase: int) -> dict[str, Json]:
    """The cells as the ledger keeps them."""
    return {
        "experiment": experiment,
        "phase": phase,
        "dimension": released.dimension,
        "size": released.size,
        "through": list(released.through),
        "levels": {key: [list(units) for units in cells] for key, cells in released.levels.items()},
    }


def released_of(entries: Iterable[SystemEntry], experiment: str, phase: int) -> list[Released]:
    """What was released of an experiment's phase, oldest first; `entries` are the ledger's of type `use-close`.

    Raises:
        LedgerBroken: what an entry keeps is not of this form.
    """
    return [
        _released(one, entry.seq)
        for entry in entries
        for one in _listed(entry.fields.get("released", []))
        if isinstance(one, Mapping) and one.get("experiment") == experiment and one.get("phase") == phase
    ]


def _released(fields: Mapping[str, Json], seq: int) -> Released:
    try:
        through, levels, size = fields["through"], fields["levels"], fields["size"]
        assert isinstance(levels, Mapping)  # noqa: S101 (a failure is a broken entry)
        cells = {key: tuple(_whole(units) for units in _listed(one)) for key, one in levels.items()}
        days = _whole(through)
        assert isinstance(size, int)  # noqa: S101 (likewise)
        assert all(len(one) == len(days) for one in cells.values())  # noqa: S101 (likewise)
        return Released(dimension=str(fields["dimension"]), size=size, through=days, levels=cells, seq=seq)
    except (KeyError, TypeError, ValueError, AssertionError):
        raise LedgerBroken("what a readout released is not as it is written", where=f"entry {seq}") from None


def _listed(value: Json) -> list[Json]:
    """The items; of what is no list, itself."""
    return list(value) if isinstance(value, list | tuple) else [value]


def _whole(value: Json) -> tuple[int, ...]:
    found = tuple(one for one in _listed(value) if isinstance(one, int))
    if len(found) != len(_listed(value)):
        raise TypeError
    return found
