"""Which laws the ledger holds people under, on what bases, and how many of them are too young to decide alone.

What `imp.toml` names holds by default; a saying may name another law, and so the people themselves are read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.reader import Reader
from imp_consent.policy.house import House
from imp_consent.policy.regime import Regimes, read_regimes
from imp_consent.policy.rules import Age
from imp_core.suppress import hidden, hidden_together

__all__ = ["CONSENT", "RecordedLaw", "RecordedMinors", "read_laws"]

CONSENT: Final = "consent"
# What each kind of minor needs, in words; the kinds are those of the regimes' ages.
_NEEDS: Final = {
    "guardian": "a guardian's consent",
    "own": "a consent of their own",
    "nobody": "to be left out, whoever agrees",
    "both": "a guardian's consent together with their own",
}
_Law = tuple[tuple[str, ...], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedLaw:
    """Regimes that hold together, and where (None: no jurisdiction was named); their titles, and their ages in words.

    `default`: imp.toml names them. `people` is of how many somebody recorded something under them, None where they are
    so few that none of these counts is told.
    """

    regimes: tuple[str, ...]
    jurisdiction: str | None
    titles: tuple[str, ...]
    ages: tuple[str, ...]
    default: bool
    people: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMinors:
    """People recorded as too young to decide alone, and not old enough yet: what they need; `people` None is few."""

    needs: str
    people: int | None


def read_laws(
    reader: Reader, house: House, *, now_us: int, k: int, count: Callable[[int], None] = lambda _: None
) -> tuple[tuple[RecordedLaw, ...], tuple[RecordedMinors, ...], Mapping[str, tuple[str, ...]]]:
    """The laws, the default first, the minors as of now, and by purpose the bases recorded for somebody.

    Reads everybody; `count` hears of progress, in people.

    Raises:
        LedgerBroken: an entry does not open.
    """
    default: _Law = (house.regimes, house.jurisdiction)
    laws, minors, bases = Counter({default: 0}), Counter[str](), defaultdict[str, set[str]](set)
    for (subject,) in reader.sql.execute("SELECT subject FROM subject_key ORDER BY subject").fetchall():
        history = reader.history(int(subject))
        laws.update(set(_laws(history)))
        minors.update(_needs(history, now_us))
        for purpose, basis in _bases(history):
            bases[purpose].add(basis)
        count(1)
    regimes = read_regimes(reader)
    ordered = sorted(laws, key=lambda law: (law != default, law[0], law[1] or ""))
    shown = hidden_together({str(law): laws[law] for law in ordered}, k)
    return (
        tuple(_recorded(law, regimes, default=law == default, people=shown[str(law)]) for law in ordered),
        tuple(
            RecordedMinors(needs=_NEEDS.get(needs, needs), people=hidden(n, k)) for needs, n in sorted(minors.items())
        ),
        {purpose: tuple(sorted(found)) for purpose, found in bases.items()},
    )


def _bases(history: Iterable[PersonEntry]) -> Iterator[tuple[str, str]]:
    """Each purpose with what its use was recorded to rest on, whether it still does or not."""
    for entry in history:
        said = entry.statement
        if said.type == "grant":
            yield said.purpose, CONSENT
        elif said.type == "basis" and said.basis:
            yield said.purpose, said.basis


def _laws(history: Iterable[PersonEntry]) -> Iterator[_Law]:
    for entry in history:
        names, jurisdiction = entry.payload.get("regimes"), entry.payload.get("jurisdiction")
        if isinstance(names, list | tuple):
            yield tuple(map(str, names)), None if jurisdiction is None else str(jurisdiction)


def _needs(history: Iterable[PersonEntry], now_us: int) -> set[str]:
    """What a person needs now who was recorded as a minor: a no, which nothing corrects away."""
    said = (entry.statement for entry in history if entry.statement.type == "minor")
    return {one.needs for one in said if one.needs and (one.until_us is None or now_us < one.until_us)}


def _recorded(law: _Law, regimes: Regimes, *, default: bool, people: int | None) -> RecordedLaw:
    names, jurisdiction = law
    known = [name for name in names if name in regimes.texts]
    rules = regimes.rules(known, jurisdiction) if known else None
    return RecordedLaw(
        regimes=names,
        jurisdiction=jurisdiction,
        titles=tuple(regimes.regime(name).title for name in known),
        ages=tuple(map(_age, sorted(rules.ages, key=lambda age: age.below))) if rules else (),
        default=default,
        people=people,
    )


def _age(age: Age) -> str:
    about = f" for {', '.join(sorted(age.traits))}" if age.traits else ""
    return f"under {age.below}: {_NEEDS.get(age.needs, age.needs)}{about} ({age.source})"
