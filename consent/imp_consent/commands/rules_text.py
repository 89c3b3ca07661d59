"""Rules of law in lines that people read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from imp_consent.policy.rules import Age, Clock, Condition, Need, Rules
from imp_core.command import lines

__all__ = ["rules_text"]

_SHOWN: Final = 12


def rules_text(rules: Rules, *, whole: bool = False) -> str:
    """The rules in lines that people read, the first with whose they are and where; `whole`: with every word."""
    said = {
        "regimes": ", ".join(rules.names) + (f" in {rules.jurisdiction}" if rules.jurisdiction else ""),
        "consent": "comes first (opt-in)" if rules.opt_in else "not needed after notice, until somebody opts out",
        "bundled": "a yes for several purposes at once opens none" if rules.bundled_void else "not looked at",
        "no consent": _some(rules.refused_actions) if not whole else _all(rules.refused_actions),
        "nor holding": _some(rules.acts.passive) if not whole else _all(rules.acts.passive),
        "nor a word": _some(rules.acts.passive_words) if not whole else _all(rules.acts.passive_words),
        "nor like": _some(rules.acts.passive_begins) if not whole else _all(rules.acts.passive_begins),
        "acts": _some(rules.acts.known) if not whole else _all(rules.acts.known),
        "other bases": ", ".join(sorted(rules.bases or ())) or "none",
    }
    return "\n".join([lines(said), *_of_yeses(rules), *_of_noes(rules)])


def _of_yeses(rules: Rules) -> Iterator[str]:
    yield from map(_need_text, rules.needs)
    yield from map(_condition_text, rules.conditions)
    yield from map(_age_text, rules.ages)
    for rule in rules.valid_for:
        also = ", and a no too" if rule.refusals else ""
        yield f"{rule.trait}: a yes holds {rule.period}{also}  [{rule.source}]"


def _of_noes(rules: Rules) -> Iterator[str]:
    sources = rules.sources
    for again in rules.reprompt:
        yield f"{again.trait}: not asked again for {again.period} after {_all(again.after)}  [{again.source}]"
    if rules.objection_traits:
        yield f"an objection ends: {_all(rules.objection_traits)}  [{sources.get('objection', '')}]"
    if rules.limit_traits:
        yield f"a limit ends: {_all(rules.limit_traits)}  [{sources.get('limit', '')}]"
    for name, traits in sorted(rules.signal_traits.items()):
        yield f"the signal {name} ends: {_all(traits)}"
    for lift in rules.lifts:
        yield f"{lift.type}: lifted after {', '.join(lift.needs) or 'nothing'}  [{lift.source}]"
    if rules.erase_on:
        yield f"erased without being asked on: {_all(rules.erase_on)}  [{sources.get('erase', '')}]"
    yield from (_clock_text(kind, clock) for kind, clock in rules.clocks.items())


def _need_text(need: Need) -> str:
    where = f" with {_all(need.having)}" if need.having else ""
    unless = f" unless {_all(need.unless)}" if need.unless else ""
    words = [f"{need.consent} consent"] if need.consent else []
    words += [f"or {_all(need.bases)}"] if need.bases else []
    words += [f"says {', '.join(need.says)}"] if need.says else []
    return f"{need.trait}{where}{unless}: {'; '.join(words)}  [{need.source}]"


def _condition_text(rule: Condition) -> str:
    traits = f" for {_all(rule.traits)} only" if rule.traits else ""
    return f"{rule.basis}{traits}: rests on {', '.join(rule.needs)}  [{rule.source}]"


def _age_text(age: Age) -> str:
    traits = f" for {_all(age.traits)}" if age.traits else ""
    ends = "; what a guardian agreed to ends then" if age.guardian_yes_ends else ""
    adds = f"; whatever is known of them is {_all(age.adds)}" if age.adds else ""
    return f"below {age.below}: needs {age.needs}{traits}{ends}{adds}  [{age.source}]"


def _clock_text(kind: str, clock: Clock) -> str:
    more = f", and {clock.extension} more" if clock.extension else ""
    return f"request {kind}: answered in {clock.within}{more}  [{clock.source}]"


def _some(words: frozenset[str]) -> str:
    """The first words; most of them say the same in other languages."""
    ordered = sorted(words, key=lambda word: (not word.isascii(), word))
    more = f" and {len(ordered) - _SHOWN} more, in many languages (--json)" if len(ordered) > _SHOWN else ""
    return ", ".join(ordered[:_SHOWN]) + more


def _all(words: frozenset[str]) -> str:
    return ", ".join(sorted(words))
