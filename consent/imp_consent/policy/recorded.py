"""The law that a person's own entries were recorded under: it holds for them whatever the workspace's is."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import NamedTuple

from imp_consent.ledger.entry import PersonEntry

__all__ = ["Law", "recorded_law"]


class Law(NamedTuple):
    """Regimes by name and a jurisdiction, as a `Saying` takes them: None are those of imp.toml."""

    regimes: tuple[str, ...] | None = None
    jurisdiction: str | None = None


def recorded_law(entries: Iterable[PersonEntry], known: Container[str]) -> Law:
    """All regimes that these entries name, as far as they are known still, and the newest jurisdiction among them."""
    names: dict[str, None] = {}
    jurisdiction: str | None = None
    for entry in entries:
        regimes, where = entry.payload.get("regimes"), entry.payload.get("jurisdiction")
        names |= dict.fromkeys(str(name) for name in regimes if name in known) if isinstance(regimes, list) else {}
        jurisdiction = where if isinstance(where, str) else jurisdiction
    return Law(tuple(names) or None, jurisdiction)
