"""What would open a use for somebody too young: it is tried out, on what was said and what might be from now on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from imp_consent.ledger.entry import EVERY_CHANNEL, Statement
from imp_consent.policy.declared import NO_TRAIT, DeclaredPurpose
from imp_consent.policy.scope import Fact, Scope, concerns, corrected
from imp_consent.policy.state import timeline

__all__ = ["OF_AGE_ALONE", "OPENERS", "opener", "too_young", "what_opens"]

_TO_COME: Final = 2**62  # the number of an entry that no ledger has yet
_GUARDIAN: Final = "a guardian's authorisation (imp consent guardian)"
# Where nothing does that child or guardian can say: what they said before stays closed (`words.py`).
OF_AGE_ALONE: Final = "Only the person's coming of age, and a new yes then, would change it."
_LATER: Final = "recorded from now on"
_ON_RECORD: Final = "A guardian's authorisation is on record (entry {seq}), and is no yes by itself."
_WHY: Final[Mapping[str | None, str]] = MappingProxyType(
    {
        "guardian": "At this age a parent or guardian has to authorise it.",
        "own": "At this age only a yes of the child's own counts.",
        "nobody": "At this age the law forbids it, whoever agrees.",
        "both": "At this age the child and a parent or guardian agree together: neither is enough alone.",
    }
)
# What might be said from now on, the least first; where there are several ways, each of them must do.
_TRIED: Final[Mapping[str, tuple[Sequence[Sequence[str]], str]]] = MappingProxyType(
    {
        "either": (
            (("own",), ("by",)),
            "a yes of the child's own or, with --by-guardian, of the guardian's",
        ),
        "own": ((("own",),), "a yes of the child's own"),
        "guardian": ((("guardian",),), _GUARDIAN),
        "guardian-either": (
            (("guardian", "own"), ("guardian", "by")),
            f"{_GUARDIAN}, and then a yes of the child's own or, with --by-guardian, of the guardian's",
        ),
        "guardian-own": ((("guardian", "own"),), f"{_GUARDIAN} and a yes of the child's own"),
        "guardian-by": ((("guardian", "by"),), f"{_GUARDIAN}, and then a yes of the guardian's (--by-guardian)"),
        "guardian-by-own": (
            (("guardian", "own", "by"),),
            f"{_GUARDIAN}, a yes of the guardian's (--by-guardian) and one of the child's own",
        ),
    }
)
OPENERS: Final = tuple(_TRIED)


@dataclass(frozen=True, slots=True)
class _Tried:
    seq: int
    statement: Statement


def too_young(deciding: Iterable[Statement]) -> str | None:
    """What the age that decides asks for, in a sentence; None where none of these entries is an age."""
    return next((_WHY[said.needs] for said in deciding if said.type == "minor" and said.needs in _WHY), None)


def what_opens(facts: Sequence[Fact], purpose: DeclaredPurpose, channel: str, at_us: int) -> str | None:
    """What would open a use after a time, in a sentence; None where nothing does that child or guardian can say."""
    found = opener(facts, purpose, channel, at_us)
    if found is None:
        return None
    _, text = _TRIED[found]
    seq = _authorised(facts, purpose, channel, at_us, found)
    on_record = "" if seq is None else f"{_ON_RECORD.format(seq=seq)} "
    return f"{on_record}{text[0].upper()}{text[1:]} would change it, {_LATER}."


def _authorised(facts: Sequence[Fact], purpose: DeclaredPurpose, channel: str, at_us: int, found: str) -> int | None:
    """The newest authorisation on record, where without it something else would be lacking."""
    wrong = corrected(facts)
    said = [
        (fact.statement.at_us, fact.seq)
        for fact in facts
        if fact.statement.type == "guardian" and concerns(fact.statement, purpose.name) and fact.seq not in wrong
    ]
    without = [fact for fact in facts if fact.statement.type != "guardian"]
    return None if not said or opener(without, purpose, channel, at_us) == found else max(said)[1]


def opener(facts: Sequence[Fact], purpose: DeclaredPurpose, channel: str, at_us: int) -> str | None:
    """The least of `OPENERS` that would open a use after a time; None where none does."""
    for name, (ways, _) in _TRIED.items():
        if all(_opens(facts, purpose, channel, at_us, way) for way in ways):
            return name
    return None


def _opens(facts: Sequence[Fact], purpose: DeclaredPurpose, channel: str, at_us: int, words: Sequence[str]) -> bool:
    then = 1 + max([at_us, *(fact.statement.at_us for fact in facts)])  # a no of a time to come is met too
    traits = tuple(sorted(set(purpose.traits) - {NO_TRAIT}))
    said = {
        "guardian": Statement(type="guardian", purpose=purpose.name, channel=EVERY_CHANNEL, at_us=then),
        "own": _yes(purpose.name, channel, then, traits, by=None),
        "by": _yes(purpose.name, channel, then, traits, by="guardian"),
    }
    tried = [_Tried(seq, said[word]) for seq, word in enumerate(words, start=_TO_COME)]
    known = timeline([*facts, *tried], Scope(purpose.name, channel))
    return any(part.permit and part.from_us <= then < part.to_us for part in known)


def _yes(purpose: str, channel: str, at_us: int, traits: tuple[str, ...], *, by: str | None) -> Statement:
    return Statement(
        type="grant",
        purpose=purpose,
        channel=channel,
        at_us=at_us,
        traits=traits,
        consent="separate",
        informed=True,
        by=by,
    )
