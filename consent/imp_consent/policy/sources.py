"""The law that an answer of the gate rests on: what the regimes under which its entries were recorded say of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.policy.bounced import BOUNCE_SOURCE, is_bounce
from imp_consent.policy.decide import Reason
from imp_consent.policy.house import House
from imp_consent.policy.recorded import Law, recorded_law
from imp_consent.policy.regime import Regimes
from imp_consent.policy.rules import ANY, Rules
from imp_core.errors import BadInput
from imp_core.gate import Decision

__all__ = ["source_of", "source_of_part"]

_MOST = 4  # of one answer: who is under many laws at once is told those of its newest entries


def source_of(decided: Decision, history: Sequence[PersonEntry], regimes: Regimes, house: House) -> str:
    """What a decision rests on by the law of the entries that made it.

    Where none did, that of all the person's entries; of whom nothing is known, that of the workspace. Where these
    regimes say nothing of it, the general one. No law is behind messages that came back.
    """
    deciding = [entry for entry in history if entry.seq in decided.entries]
    if any(is_bounce(entry.statement.type, entry.payload) for entry in deciding):
        return BOUNCE_SOURCE
    found: dict[str, None] = {}
    for entry in reversed(deciding):
        rules = _rules(recorded_law([entry], regimes.texts), regimes)
        found |= dict.fromkeys(_sources(decided.reason, rules, entry.statement))
    if not deciding:
        law = recorded_law(history, regimes.texts)
        if law.regimes is None:
            law = Law(tuple(name for name in house.regimes if name in regimes.texts) or None, house.jurisdiction)
        found |= dict.fromkeys(_sources(decided.reason, _rules(law, regimes), None))
    return "; ".join(list(found)[:_MOST]) or decided.source


def source_of_part(entry: PersonEntry, part: str, regimes: Regimes) -> str:
    """What the law of an entry says a part of its rests on, such as `bundle`; empty where it says nothing."""
    rules = _rules(recorded_law([entry], regimes.texts), regimes)
    return rules.sources.get(part, "") if rules is not None else ""


def _rules(law: Law, regimes: Regimes) -> Rules | None:
    if law.regimes is None:
        return None
    try:
        return regimes.rules(law.regimes, law.jurisdiction)
    except BadInput:  # a jurisdiction that was recorded, and is none by what is known now
        return regimes.rules(law.regimes)


def _sources(reason: str, rules: Rules | None, said: Statement | None) -> Iterator[str]:
    """The articles, the most particular alone: the rule that the entry met, else what the regimes say of the reason."""
    if rules is None:
        return
    particular = list(dict.fromkeys(_of_the_rule(reason, rules, said))) if said is not None else []
    general = rules.sources.get(reason, "")
    yield from (source for source in particular or [general] if source)


def _of_the_rule(reason: str, rules: Rules, said: Statement) -> Iterable[str]:
    by_part: Mapping[str, str] = rules.sources
    if reason == Reason.GIVEN:
        return [
            by_part.get(reason, ""),
            *(need.source for need in rules.needs if need.consent and need.concerns(said.traits)),
        ]
    if reason == Reason.BASIS:
        return [rule.source for rule in rules.conditions if rule.basis == said.basis] or [by_part.get("bases", "")]
    if reason == Reason.EXPIRED:
        own = {ANY, *said.traits}
        return [rule.source for rule in rules.valid_for if rule.trait in own]
    if reason == Reason.UNDER_AGE:
        return [rule.source for rule in rules.ages if rule.needs == said.needs and rule.traits == {*said.traits}]
    if reason == Reason.OBJECTED and said.traits:
        return [by_part.get("objection", "")]
    return [by_part.get("limit", "")] if reason == Reason.LIMITED else []
