"""What may be written of a person: a saying becomes a statement, or is refused with the law it would break.

Pure: everything it needs is an argument. A consent or a basis must be valid; who says no is never refused for the
law's sake, and nothing a person says no to is narrower than the law makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from imp_consent.ledger.entry import EVERY_PURPOSE, Statement
from imp_consent.policy.basis_rules import check_basis
from imp_consent.policy.case import Case, refusal
from imp_consent.policy.declared import DIRECT_MARKETING, NO_TRAIT
from imp_consent.policy.grant_rules import (
    basis_ends_at,
    check_grant,
    ends_at,
    ends_of_age,
    grant_covers,
    refusal_ends_at,
)
from imp_consent.policy.lift_rules import check_lift
from imp_consent.policy.meeting import GUARDIAN
from imp_consent.policy.purpose import traits_of
from imp_consent.policy.rules import NOTICE_BASES
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import lineage
from imp_core.clock import DAY_US
from imp_core.errors import BadInput

__all__ = ["check_statement", "said_besides"]

_NEEDS: Final = ("guardian", "own", "both", "nobody")
_DIRECT: Final = frozenset({DIRECT_MARKETING})
# What the record of a guardian's authorisation names besides the person it is for (GDPR 8(2)).
_OF_GUARDIAN: Final = {
    "guardian": "who that is",
    "role": "what they are to the person",
    "verification": "how that was verified",
}


def check_statement(said: Saying, case: Case) -> Statement:
    """What a saying commits to.

    Raises:
        BadInput: the law, or what its type means, does not let it be written; `where` names the field.
    """
    statement = _BY_TYPE.get(said.type, _plain)(said, case)
    if statement.until_us is not None and statement.until_us <= statement.at_us:
        raise BadInput("it would end before it begins", where="until", mend="name an end after it was said, or none")
    return statement


def _plain(said: Saying, case: Case, **further: Any) -> Statement:  # noqa: ANN401 (fields of a statement)
    """What every type says, and the `further` fields of one type, which go before them."""
    if "until_us" not in further:
        ends = [said.until_us, None if said.valid_for_days is None else said.at_us + said.valid_for_days * DAY_US]
        further["until_us"] = min((end for end in ends if end is not None), default=None)
    if "traits" not in further:
        further["traits"] = tuple(sorted(set(said.traits or ())))
    return Statement(
        type=said.type,
        purpose=said.purpose,
        channel=said.channel,
        at_us=said.at_us,
        notice=case.shown.sha256 if case.shown else None,
        by=said.by,
        corrects=said.corrects,
        **further,
    )


def _grant(said: Saying, case: Case) -> Statement:
    check_grant(said, case)
    covers = grant_covers(said, case)
    traits = {trait for name in (said.purpose, *covers) for trait in case.purposes[name].traits}
    traits |= case.added(said.at_us)
    return _plain(
        said,
        case,
        until_us=ends_at(said, case),
        covers=covers,
        traits=tuple(sorted(traits - {NO_TRAIT})),
        consent=None if said.consent == "expressed" else said.consent,
        bundled=said.bundled and case.rules.bundled_void,
        informed=said.informed,
        needs=GUARDIAN if ends_of_age(said, case) else None,
    )


def _refuse(said: Saying, case: Case) -> Statement:
    return _plain(said, case, until_us=refusal_ends_at(said, case))


def _withdraw(said: Saying, case: Case) -> Statement:
    return _plain(said, case, until_us=None)


def _basis(said: Saying, case: Case) -> Statement:
    check_basis(said, case)
    traits = ({*case.purposes[said.purpose].traits} | case.added(said.at_us)) - {NO_TRAIT}
    ends = basis_ends_at(said, case)
    plain = _plain(said, case, traits=tuple(sorted(traits)), until_us=ends)
    shown = said.notice is not None or said.basis in NOTICE_BASES  # nobody else says that one was shown
    return replace(plain, basis=said.basis, notice=plain.notice if shown else None)


def _object(said: Saying, case: Case) -> Statement:
    """An objection to direct marketing is one to all of it, with its profiling, wherever it was raised (GDPR 21(3))."""
    plain, marketing = replace(_plain(said, case), until_us=None), _marketing(said, case)
    if said.traits == () or not marketing or said_besides(said, case) is not None:
        return plain
    return replace(plain, purpose=EVERY_PURPOSE, traits=tuple(sorted(marketing | set(plain.traits))))


def _marketing(said: Saying, case: Case) -> frozenset[str]:
    """The traits of direct marketing, if that is among what an objection is about, whatever else a law counts to it."""
    about = None if said.purpose == EVERY_PURPOSE else frozenset[str]().union(*_traits_at(said.purpose, case))
    kinds = (case.rules.objection_traits, _DIRECT)
    return frozenset[str]().union(*(kind for kind in kinds if about is None or kind & about))


def said_besides(said: Saying, case: Case) -> Saying | None:
    """The other half of an objection, a statement of its own, which is written first; None: it has none.

    One to everything is one to direct marketing, whatever that rests on, and one to all that rests on interests; so is
    one to a purpose with direct marketing below it and something else.
    """
    if said.type != "object" or said.traits is not None or not (marketing := _marketing(said, case)):
        return None
    mixed = any(not marketing & traits for traits in _traits_at(said.purpose, case))
    if said.purpose != EVERY_PURPOSE and not mixed:
        return None
    return replace(said, purpose=EVERY_PURPOSE, traits=tuple(sorted(marketing)))


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
    check_lift(said, case)
    return replace(_plain(said, case), lifts=said.lifts)


def _guardian(said: Saying, case: Case) -> Statement:
    for name, meaning in _OF_GUARDIAN.items():
        if not str(said.more.get(name) or "").strip():
            what = f"a guardian's authorisation that does not say {meaning}"
            raise refusal(what, "GDPR 8(2); ISO/IEC TS 27560 entity_id", where=name, mend=f'say it: --{name} "…"')
    if said.purpose == EVERY_PURPOSE:
        _check_may_be_of_everything(case)
    return _plain(said, case)


def _check_may_be_of_everything(case: Case) -> None:
    """It opens what a child agreed to before its age was known too: where that must be separate consent, so is this."""
    for age in case.rules.ages:
        for need in case.rules.needs:
            if need.consent == "separate" and need.concerns(age.adds):
                what = "an authorisation of every purpose at once, and for a child's data consent is separate"
                raise refusal(what, f"{age.source}; {need.source}", where="purpose", mend="name one: --purpose NAME")


def _minor(said: Saying, case: Case) -> Statement:
    if said.needs not in _NEEDS:
        raise BadInput("what a minor needs is not said", where="needs", mend=f"one of {', '.join(_NEEDS)}")
    return replace(_plain(said, case), needs=said.needs, consent=None if said.consent == "expressed" else said.consent)


def _traits_at(purpose: str, case: Case) -> list[frozenset[str]]:
    """The traits of a purpose and of each below it."""
    return [frozenset(traits_of(found)) for name, found in case.purposes.items() if purpose in lineage(name)]


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
