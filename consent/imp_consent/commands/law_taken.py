"""How a command says under which law something was recorded, and why under that one, or that it may be another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from imp_consent.ledger.entry import PersonEntry
from imp_consent.policy.ended import LINKS
from imp_consent.policy.saying import Saying

__all__ = ["OTHER_LAW", "law_text", "other_law", "other_law_warnings"]

OTHER_LAW: Final = (
    "it went under imp.toml's law alone: what theirs asks of a yes (an age, a consent by itself, what the notice says) "
    "was not looked at, and does not hold for it"
)


def law_text(regimes: Sequence[str], jurisdiction: str | None, because: str | None) -> str:
    """The end of a line; empty where imp.toml's law holds and no place is known."""
    if jurisdiction is None and because is None:
        return ""
    place = f" for people in {jurisdiction}" if jurisdiction else ""
    return f"; under {'+'.join(regimes)}{place}" + (f" ({because})" if because else "")


def other_law(
    said: Saying, names: Collection[str], place: str | None, earlier: Iterable[PersonEntry]
) -> PersonEntry | None:
    """The newest entry of somebody whose entries are all under another law than a yes that names none; else None.

    `names` and `place` are those under which the yes was recorded. Which device is whose says nothing of law.
    """
    if said.type != "grant" or said.regimes is not None or said.jurisdiction is not None:
        return None
    telling = [entry for entry in earlier if entry.statement.type not in LINKS]
    return telling[-1] if telling and all(_is_under_another(entry, names, place) for entry in telling) else None


def other_law_warnings(found: PersonEntry | None) -> tuple[str, ...]:
    """What whoever recorded such a yes is told: what happened, why it matters and which option mends it."""
    if found is None:
        return ()
    where, regimes = found.payload.get("jurisdiction"), _regimes(found)
    theirs = "+".join(regimes) + (f" for people in {where}" if isinstance(where, str) else "")
    mend = f"--jurisdiction {where}" if isinstance(where, str) else " ".join(f"--regime {name}" for name in regimes)
    what = f"all else recorded of them is under {theirs}, and this yes names no law"
    return (f"{what}: {OTHER_LAW}; if it should, record it again with {mend}",)


def _is_under_another(entry: PersonEntry, names: Collection[str], place: str | None) -> bool:
    where, regimes = entry.payload.get("jurisdiction"), set(_regimes(entry))
    if not isinstance(where, str) or where == place:
        return bool(regimes) and regimes.isdisjoint(names)
    # of a place's parts, or where imp.toml names no place, the law may be the same
    return (place is not None and _country(where) != _country(place)) or not regimes <= set(names)


def _country(place: str) -> str:
    return place.partition("-")[0]


def _regimes(entry: PersonEntry) -> tuple[str, ...]:
    regimes = entry.payload.get("regimes")
    return tuple(map(str, regimes)) if isinstance(regimes, list | tuple) else ()
