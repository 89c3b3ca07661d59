"""When another basis than consent may be recorded: which ones there are, for which data, and on what conditions.

Conditions are words in the regimes' files. Some are looked up in what the person said before; the others are stated by
whoever records the basis, each with what shows that it is met (`grounds`). `evidence` is met by saying where the proof
of the basis is: whoever relies on one has to be able to show it (GDPR 5(2)).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from imp_consent.policy.case import Case, refusal
from imp_consent.policy.grant_rules import check_said_before
from imp_consent.policy.rules import BASES, NOTICE_BASES, Condition
from imp_consent.policy.saying import Saying
from imp_core.errors import BadInput

__all__ = ["check_basis"]

_Met = Callable[[Saying, Case], bool]
_EVIDENCE: Final = "evidence"


def check_basis(said: Saying, case: Case) -> None:
    """Look at a basis.

    Raises:
        BadInput: there is no such basis, not for this purpose, or a condition of it is not met; the law is named.
    """
    if said.basis not in BASES:
        raise BadInput("not a basis", where="basis", mend=f"one of {', '.join(sorted(BASES))}")
    if said.basis not in (case.rules.bases or ()):
        allowed = ", ".join(sorted(case.rules.bases or ())) or "none"
        source = case.rules.sources.get("bases", "")
        raise refusal(f"no basis here is {said.basis}", source, where="basis", mend=f"allowed are: {allowed}")
    for need in case.needs(said.purpose):
        if need.bases is not None and said.basis not in need.bases:
            what = f"data with the trait {need.trait} is not used on the basis {said.basis}"
            raise refusal(what, need.source, where="basis", mend="ask for consent")
        check_said_before(said.purpose, need, case)
    if said.basis in NOTICE_BASES and case.shown is None:
        raise refusal(
            f"the basis {said.basis} is a notice, and none names this purpose",
            case.rules.sources.get("bases", ""),
            where="notice",
            mend=f"add the one people were given: imp consent notice add FILE --name NAME --purpose {said.purpose}",
        )
    for condition in case.rules.conditions:
        if condition.basis == said.basis:
            _check_condition(said, condition, case)


def _check_condition(said: Saying, condition: Condition, case: Case) -> None:
    if condition.traits and not condition.traits & set(case.purposes[said.purpose].traits):
        what = f"the basis {said.basis} is for {', '.join(sorted(condition.traits))} only"
        raise refusal(what, condition.source, where="basis", mend="ask for consent")
    for word in condition.needs:
        if word == _EVIDENCE:
            _check_evidence(said, condition)
        elif word not in _LOOKED_UP:
            if not said.grounds.get(word, "").strip():
                mend = f'say what shows it: --ground {word}="…"'
                raise refusal(f"the basis {said.basis} rests on: {word}", condition.source, where="grounds", mend=mend)
        elif not _LOOKED_UP[word](said, case):
            what = f"the basis {said.basis} is closed: the person said no, took consent back or opted out before"
            raise refusal(what, condition.source, where="basis", mend="ask for consent again")


def _check_evidence(said: Saying, condition: Condition) -> None:
    if not any(text.strip() for text in (said.evidence or "", *said.grounds.values())):
        mend = 'say where the proof is, such as the number of the contract: --evidence "…"'
        what = f"the basis {said.basis} is to be shown, and nothing says by what"
        raise refusal(what, condition.source, where="evidence", mend=mend)


def _no_withdrawal(said: Saying, case: Case) -> bool:
    """Nobody said no or took consent back before, unless this basis was on record by then (EDPB 05/2020 §§121-123).

    What counts is when it was recorded: nobody puts a basis before a no afterwards.
    """
    recorded = [told.seq for told in case.about(said.purpose, said.channel, "basis") if _same(told.statement, said)]
    first = min(recorded, default=None)
    taken_back = case.about(said.purpose, said.channel, "withdraw", "refuse")
    return all(first is not None and first < told.seq for told in taken_back if told.statement.at_us <= said.at_us)


def _no_opt_out(said: Saying, case: Case) -> bool:
    """Nobody said no to this purpose on this channel, or to all."""
    noes = case.about(said.purpose, said.channel, "withdraw", "refuse", "object")
    traits = set(case.purposes[said.purpose].traits)
    return not any(
        told.statement.at_us <= said.at_us and (not told.statement.traits or traits & set(told.statement.traits))
        for told in noes
    )


def _same(statement: object, said: Saying) -> bool:
    return getattr(statement, "basis", None) == said.basis and getattr(statement, "purpose", None) == said.purpose


_LOOKED_UP: Final[Mapping[str, _Met]] = MappingProxyType({"no-withdrawal": _no_withdrawal, "no-opt-out": _no_opt_out})
