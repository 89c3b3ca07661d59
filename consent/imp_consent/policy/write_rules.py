"""What may be written of a person: a saying becomes a statement, or is refused with the law it would break.

Pure: everything it needs is an argument. A consent or a basis must be valid; who says no is never refused for the
law's sake, and nothing a person says no to is narrower than the law makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from imp_consent.ledger.entry import EVERY_PURPOSE, Statement
from imp_consent.policy.basis_rules import check_basis
from imp_consent.policy.case import Case, refusal
from imp_consent.policy.grant_rules import basis_ends_at, check_grant, ends_at, grant_covers, refusal_ends_at
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import lineage
from imp_core.clock import DAY_US
from imp_core.errors import BadInput

__all__ = ["check_statement"]

_NEEDS: Final = ("guardian", "own")
# What the record of a guardian's authorisation names besides the person it is for (GDPR 8(2)).
_OF_GUARDIAN: Final = {"guardian": "who it is", "role": "parent, guardian …", "verification": "how that was verified"}


def check_statement(said: Saying, case: Case) -> Statement:
    """What a saying commits to.

    Raises:
        BadInput: the law, or what its type means, does not let it be written; `where` names the field.
    """
    statement = _BY_TYPE.get(said.type, _plain)(said, case)
    if statement.until_us is not None and statement.until_us <= statement.at_us:
        raise BadInput("it would end before it begins", where="until")
    return statement


def _plain(said: Saying, case: Case) -> Statement:
    """What every type says; nothing of it is for one type alone."""
    ends = [said.until_us, None if said.valid_for_days is None else said.at_us + said.valid_for_days * DAY_US]
    return Statement(
        type=said.type,
        purpose=said.purpose,
        channel=said.channel,
        at_us=said.at_us,
        until_us=min((end for end in ends if end is not None), default=None),
        notice=case.shown.sha256 if case.shown else None,
        traits=tuple(sorted(set(said.traits or ()))),
        by=said.by,
        corrects=said.corrects,
    )


def _grant(said: Saying, case: Case) -> Statement:
    check_grant(said, case)
    covers = grant_covers(said, case)
    traits = {trait for name in (said.purpose, *covers) for trait in case.purposes[name].traits}
    return replace(
        _plain(said, case),
        until_us=ends_at(said, case),
        covers=covers,
        traits=tuple(sorted(traits)),
        consent=None if said.consent == "expressed" else said.consent,
        bundled=said.bundled and case.rules.bundled_void,
        informed=said.informed,
    )


def _refuse(said: Saying, case: Case) -> Statement:
    return replace(_plain(said, case), until_us=refusal_ends_at(said, case))


def _withdraw(said: Saying, case: Case) -> Statement:
    return replace(_plain(said, case), until_us=None)


def _basis(said: Saying, case: Case) -> Statement:
    check_basis(said, case)
    traits = tuple(sorted(case.purposes[said.purpose].traits))
    return replace(_plain(said, case), basis=said.basis, traits=traits, until_us=basis_ends_at(said, case))


def _object(said: Saying, case: Case) -> Statement:
    """An objection to direct marketing is one to all of it, with its profiling, wherever it was raised (GDPR 21(3))."""
    marketing = case.rules.objection_traits
    if said.traits is not None or not marketing & _traits_at(said.purpose, case):
        return replace(_plain(said, case), until_us=None)
    return replace(_plain(said, case), purpose=EVERY_PURPOSE, traits=tuple(sorted(marketing)), until_us=None)


def _signal(said: Saying, case: Case) -> Statement:
    statement = replace(_plain(said, case), until_us=None)
    if said.traits is not None:
        return statement
    laws = (case.rules, case.strictest or case.rules)
    closed = next(filter(None, (law.signal_traits.get(str(said.more.get("signal"))) for law in laws)), frozenset())
    return replace(statement, traits=tuple(sorted(closed)))


def _limit(said: Saying, case: Case) -> Statement:
    statement = replace(_plain(said, case), until_us=None)
    if said.traits is not None:
        return statement
    return replace(
        statement, traits=tuple(sorted(case.rules.limit_traits or (case.strictest or case.rules).limit_traits))
    )


def _lift(said: Saying, case: Case) -> Statement:
    rules = [rule for rule in case.rules.lifts if rule.type == said.lifts]
    if not rules:
        known = sorted({rule.type for rule in case.rules.lifts})
        raise BadInput("nothing these regimes let anybody lift", where="lifts", mend=f"they know: {', '.join(known)}")
    for rule in rules:
        for word in rule.needs:
            if not said.grounds.get(word):
                mend = f'say what shows it: --ground {word}="…"'
                raise refusal(f"it is lifted only after: {word}", rule.source, where="grounds", mend=mend)
    return replace(_plain(said, case), lifts=said.lifts)


def _guardian(said: Saying, case: Case) -> Statement:
    for name, meaning in _OF_GUARDIAN.items():
        if not str(said.more.get(name) or "").strip():
            what = f"a guardian's authorisation without {meaning}"
            raise refusal(what, "GDPR 8(2); ISO/IEC TS 27560 entity_id", where=name)
    return _plain(said, case)


def _minor(said: Saying, case: Case) -> Statement:
    if said.needs not in _NEEDS:
        raise BadInput("what a minor needs is not said", where="needs", mend=f"one of {', '.join(_NEEDS)}")
    return replace(_plain(said, case), needs=said.needs)


def _traits_at(purpose: str, case: Case) -> frozenset[str]:
    """The traits of a purpose and of those below it; none for every purpose at once."""
    if purpose == EVERY_PURPOSE:
        return frozenset()
    return frozenset(
        trait for name, found in case.purposes.items() if purpose in lineage(name) for trait in found.traits
    )


_BY_TYPE: Final[Mapping[str, Callable[[Saying, Case], Statement]]] = MappingProxyType(
    {
        "grant": _grant,
        "refuse": _refuse,
        "withdraw": _withdraw,
        "basis": _basis,
        "object": _object,
        "signal": _signal,
        "limit-sensitive": _limit,
        "lift": _lift,
        "guardian": _guardian,
        "minor": _minor,
    }
)
