"""How a command says under which law something was recorded, and why under that one, or that it may be another."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from imp_consent.ledger.entry import PersonEntry
from imp_consent.policy.ended import LINKS
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import corrected

__all__ = ["OTHER_LAW", "OtherLaw", "law_text", "other_law", "other_law_warnings"]

_SAID: Final = frozenset({"grant", "refuse", "withdraw", "object"})

OTHER_LAW: Final = (
    "it went under imp.toml's law alone: what theirs asks of a yes (an age, a consent by itself, what the notice says) "
    "was not looked at, and does not hold for it"
)


class OtherLaw(NamedTuple):
    """What of somebody is under another law, and the newest entry of it."""

    what: str
    entry: PersonEntry


def law_text(regimes: Sequence[str], jurisdiction: str | None, because: str | None) -> str:
    """The end of a line; empty where imp.toml's law holds and no place is known."""
    if jurisdiction is None and because is None:
        return ""
    place = f" for people in {jurisdiction}" if jurisdiction else ""
    return f"; under {'+'.join(regimes)}{place}" + (f" ({because})" if because else "")


def other_law(
    said: Saying, names: Collection[str], place: str | None, earlier: Sequence[PersonEntry]
) -> OtherLaw | None:
    """What of somebody is under another law than a yes that names none; None where nothing that counts is.

    What counts is their age while it holds, what they said last, and where neither is told whatever there is.
    `names` and `place` are those under which the yes was recorded. Which device is whose says nothing of law.
    """
    if said.type != "grant" or said.regimes is not None or said.jurisdiction is not None:
        return None
    wrong = corrected(earlier)
    telling = [entry for entry in earlier if entry.statement.type not in LINKS and entry.seq not in wrong]
    others = [entry for entry in telling if _is_under_another(entry, names, place)]
    if others and len(others) == len(telling):
        return OtherLaw("all else recorded of them is", others[-1])
    young = [entry for entry in others if entry.statement.type == "minor" and _lasts(entry, said.at_us)]
    if young:
        return OtherLaw("their age is recorded", young[-1])
    last = max((entry for entry in telling if entry.statement.type in _SAID), key=_time, default=None)
    return None if last is None or last not in others else OtherLaw("what they said last is", last)


def other_law_warnings(found: OtherLaw | None) -> tuple[str, ...]:
    """What whoever recorded such a yes is told: what happened, why it matters and which option mends it."""
    if found is None:
        return ()
    where, regimes = found.entry.payload.get("jurisdiction"), _regimes(found.entry)
    theirs = "+".join(regimes) + (f" for people in {where}" if isinstance(where, str) else "")
    mend = f"--jurisdiction {where}" if isinstance(where, str) else " ".join(f"--regime {name}" for name in regimes)
    what = f"{found.what} under {theirs}, and this yes names no law"
    return (f"{what}: {OTHER_LAW}; if it should, record it again with {mend}",)


def _lasts(entry: PersonEntry, at_us: int) -> bool:
    return entry.statement.until_us is None or at_us < entry.statement.until_us


def _time(entry: PersonEntry) -> tuple[int, int]:
    return entry.statement.at_us, entry.seq


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
