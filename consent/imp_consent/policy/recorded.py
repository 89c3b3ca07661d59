"""The law that a person's own entries were recorded under: it holds for them whatever the workspace's is."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import NamedTuple

from imp_consent.ledger.entry import PersonEntry
from imp_core.ports import Json

__all__ = ["Law", "recorded_law"]


class Law(NamedTuple):
    """Regimes by name and a jurisdiction, as a `Saying` takes them: None are those of imp.toml."""

    regimes: tuple[str, ...] | None = None
    jurisdiction: str | None = None


def recorded_law(entries: Iterable[PersonEntry], known: Container[str]) -> Law:
    """The newest jurisdiction that entries name (None: none does), and the regimes, known still, recorded with it.

    What was recorded for people elsewhere does not hold there.
    """
    found = list(entries)
    where = next((place for entry in reversed(found) if isinstance(place := _jurisdiction(entry), str)), None)
    names: dict[str, None] = {}
    for entry in found:
        regimes = entry.payload.get("regimes")
        if isinstance(regimes, list | tuple) and _jurisdiction(entry) == where:
            names |= dict.fromkeys(str(name) for name in regimes if name in known)
    return Law(tuple(names) or None, where)


def _jurisdiction(entry: PersonEntry) -> Json:
    return entry.payload.get("jurisdiction")
