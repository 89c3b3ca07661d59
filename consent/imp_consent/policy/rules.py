"""What the regimes that hold for a person come to: one set of rules, in every respect the strictest of theirs.

Rules that forbid or demand add up: each of them must be met. What one of them allows, all that speak of it must allow.
Nothing here knows a regime by its name: the law is in the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final, TypeVar

from imp_consent.policy.actions import Acts
from imp_consent.policy.period import Period, earliest

__all__ = [
    "ANY",
    "BASES",
    "CONSENTS",
    "NOTICE_BASES",
    "Age",
    "Clock",
    "Condition",
    "Lift",
    "Need",
    "Reprompt",
    "Rules",
    "Validity",
    "both_clocks",
    "both_sources",
    "combine",
    "merged",
]

T = TypeVar("T")

ANY: Final = "*"
# From the weakest to the strongest. "separate": explicit, by an act of its own for this purpose alone.
CONSENTS: Final = ("expressed", "explicit", "separate")
BASES: Final = frozenset(
    {
        "contract", "legal-obligation", "vital-interest", "public-task", "legitimate-interest", "soft-opt-in",
        "opt-out-notice",
    }
)  # fmt: skip
NOTICE_BASES: Final = frozenset({"opt-out-notice"})  # those that are a notice, and nothing where none was given


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a use of data with a trait needs. `consent` None demands none of a kind; `bases` None allows all there are.

    It holds unless the purpose has a trait of `unless`, and, where `having` names any, only if it has one of those.
    `says` are what the purpose and its notice must say beforehand.
    """

    trait: str
    source: str
    consent: str | None = None
    bases: frozenset[str] | None = None
    says: tuple[str, ...] = ()
    unless: frozenset[str] = frozenset()
    having: frozenset[str] = frozenset()

    def concerns(self, traits: Iterable[str]) -> bool:
        """Whether a purpose with these traits must meet it."""
        own = frozenset(traits)
        return self.trait in own and not self.unless & own and (not self.having or bool(self.having & own))


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a basis other than consent rests on, for purposes with one of the traits (none: for all)."""

    basis: str
    needs: tuple[str, ...]
    source: str
    traits: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """For how long a yes holds for purposes with a trait ("*": all), and whether a no ends then too."""

    trait: str
    period: Period
    refusals: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reprompt:
    """How long nobody asks again after one of these types of entry, for purposes with a trait ("*": all)."""

    trait: str
    after: frozenset[str]
    period: Period
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """Who is younger than `below` needs a "guardian", their "own" yes, or "both" together; "nobody": no yes counts.

    With `traits`, for uses with one of them only. `guardian_yes_ends`: what a guardian agreed to ends at that age.
    `adds` are traits that whatever is known of them has besides: consent for it needs what such data needs.
    """

    below: int
    needs: str
    source: str
    traits: frozenset[str] = frozenset()
    guardian_yes_ends: bool = False
    adds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """What must have happened before an objection, a restriction or a limit (`type`) ends."""

    type: str
    needs: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Within which time a request is answered, and by how much that may be extended (None: not at all)."""

    within: Period
    extension: Period | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of one regime, or of several at once.

    `bases` are those that may be recorded; None: these regimes say nothing of bases. `clocks` are by kind of request,
    "*" for those that have none of their own. `erase_on` are the occasions that open an erasure without a request.
    `sources` name the law behind opt_in, actions, bundle, bases, objection, limit and erase, and behind answers of the
    gate by their reasons.
    """

    names: tuple[str, ...]
    jurisdiction: str | None
    opt_in: bool
    acts: Acts
    bundled_void: bool
    bases: frozenset[str] | None
    conditions: tuple[Condition, ...]
    needs: tuple[Need, ...]
    valid_for: tuple[Validity, ...]
    reprompt: tuple[Reprompt, ...]
    ages: tuple[Age, ...]
    lifts: tuple[Lift, ...]
    objection_traits: frozenset[str]
    signal_traits: Mapping[str, frozenset[str]]
    limit_traits: frozenset[str]
    clocks: Mapping[str, Clock]
    erase_on: frozenset[str]
    sources: Mapping[str, str]

    @property
    def refused_actions(self) -> frozenset[str]:
        """Words for what is no act of agreeing."""
        return self.acts.refused

    def clock(self, request: str) -> Clock | None:
        """The clock of a kind of request; None where no regime sets any."""
        return self.clocks.get(request, self.clocks.get(ANY))

    def consent_needed(self, traits: Iterable[str]) -> str:
        """The weakest kind of consent that opens a purpose with these traits."""
        own = tuple(traits)
        wanted = [need.consent for need in self.needs if need.consent and need.concerns(own)]
        return max(wanted, key=CONSENTS.index, default=CONSENTS[0])

    def validity(self, traits: Iterable[str], *, refusal: bool = False) -> Period | None:
        """For how long a yes (or a refusal) for a purpose with these traits holds; None: until it is taken back."""
        own = {ANY, *traits}
        found = [rule.period for rule in self.valid_for if rule.trait in own and (rule.refusals or not refusal)]
        return reduce(earliest, found, None)

    def wait(self, type_: str, traits: Iterable[str]) -> tuple[Reprompt, ...]:
        """The rules by which nobody asks again for a while after an entry of a type."""
        own = {ANY, *traits}
        return tuple(rule for rule in self.reprompt if rule.trait in own and type_ in rule.after)

    def under(self, years: int) -> tuple[Age, ...]:
        """What somebody of this age needs: of ages that ask the same for the same traits, the longest."""
        highest: dict[tuple[str, frozenset[str], frozenset[str], bool], Age] = {}
        for age in sorted(self.ages, key=lambda age: age.below):
            if years < age.below:
                highest[age.needs, age.traits, age.adds, age.guardian_yes_ends] = age
        return tuple(highest.values())


def combine(several: Sequence[Rules]) -> Rules:
    """The strictest of several regimes' rules; of one, its own."""
    first, *others = several
    return reduce(_both, others, first)


def _both(one: Rules, other: Rules) -> Rules:
    return Rules(
        names=tuple(dict.fromkeys((*one.names, *other.names))),
        jurisdiction=one.jurisdiction or other.jurisdiction,
        opt_in=one.opt_in or other.opt_in,
        acts=one.acts | other.acts,
        bundled_void=one.bundled_void or other.bundled_void,
        bases=_fewest(one.bases, other.bases),
        conditions=_joined(one.conditions, other.conditions),
        needs=_joined(one.needs, other.needs),
        valid_for=_joined(one.valid_for, other.valid_for),
        reprompt=_joined(one.reprompt, other.reprompt),
        ages=_joined(one.ages, other.ages),
        lifts=_joined(one.lifts, other.lifts),
        objection_traits=one.objection_traits | other.objection_traits,
        signal_traits={
            name: one.signal_traits.get(name, frozenset()) | other.signal_traits.get(name, frozenset())
            for name in one.signal_traits.keys() | other.signal_traits.keys()
        },
        limit_traits=one.limit_traits | other.limit_traits,
        clocks={name: _first(one, other, name) for name in one.clocks.keys() | other.clocks.keys()},
        erase_on=one.erase_on | other.erase_on,
        sources={
            name: "; ".join(dict.fromkeys(said[name] for said in (one.sources, other.sources) if name in said))
            for name in one.sources.keys() | other.sources.keys()
        },
    )


def _fewest(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return one if other is None else other
    return one & other


def _joined(one: tuple[T, ...], other: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*one, *other)))


def _first(one: Rules, other: Rules, name: str) -> Clock:
    """Both clocks of a request at once; a regime without one of its own for it counts with its general one."""
    mine, theirs = one.clock(name), other.clock(name)
    if mine is None or theirs is None:
        found = mine or theirs
        assert found is not None  # noqa: S101 (the name is from one of the two)
        return found
    return both_clocks(mine, theirs)


def both_clocks(mine: Clock, theirs: Clock) -> Clock:
    """Two clocks at once: the earlier counts, and it is extended only where both may be."""
    both = mine.extension is not None and theirs.extension is not None
    return Clock(
        within=mine.within.or_earlier(theirs.within),
        extension=earliest(mine.extension, theirs.extension) if both else None,
        source=both_sources(mine.source, theirs.source),
    )


def both_sources(*sources: str) -> str:
    """Several sources of one rule, each once."""
    return "; ".join(dict.fromkeys(sources))


def merged(said: Iterable[tuple[str, T]], both: Callable[[T, T], T]) -> dict[str, T]:
    """What is said of each thing; of one that is spoken of twice, both."""
    found: dict[str, T] = {}
    for name, value in said:
        found[name] = both(found[name], value) if name in found else value
    return found
