"""When another basis than consent may be recorded: which ones there are, for which data, and on what conditions.

Conditions are words in the regimes' files. Some are looked up in what the person said before; the others are stated by
whoever records the basis, each with what shows that it is met (`grounds`). `evidence` is met by saying where the proof
of the basis is: whoever relies on one has to be able to show it (GDPR 5(2)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from imp_consent.ledger.entry import EVERY_CHANNEL, Statement
from imp_consent.policy.case import Case, Told, refusal
from imp_consent.policy.grant_rules import check_said_before
from imp_consent.policy.rules import BASES, NOTICE_BASES, Condition
from imp_consent.policy.saying import Saying
from imp_core.errors import BadInput

__all__ = ["check_basis"]

_EVIDENCE: Final = "evidence"
_NOES: Final = ("withdraw", "refuse", "object", "restrict", "limit-sensitive", "signal")


class _Condition(NamedTuple):
    """A condition that is looked up in what the person said: whether it is met, and what is said where it is not."""

    met: Callable[[Saying, Case], bool]
    what: str
    where: str = "basis"
    mend: str = "ask for consent again"


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
    for need in case.needs(said.purpose, said.at_us):
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
        elif not (looked_up := _LOOKED_UP[word]).met(said, case):
            what = f"the basis {said.basis} {looked_up.what}"
            raise refusal(what, condition.source, where=looked_up.where, mend=looked_up.mend)


def _check_evidence(said: Saying, condition: Condition) -> None:
    if not any(text.strip() for text in (said.evidence or "", *said.grounds.values())):
        mend = 'say where the proof is, such as the number of the contract: --evidence "…"'
        what = f"the basis {said.basis} is to be shown, and nothing says by what"
        raise refusal(what, condition.source, where="evidence", mend=mend)


def _no_withdrawal(said: Saying, case: Case) -> bool:
    """Nobody said no or took consent back before, unless this basis was on record by then (EDPB 05/2020 §§121-123).

    What counts is when it was recorded: nobody puts a basis before a no afterwards.
    """
    taken_back = case.about(said.purpose, said.channel, "withdraw", "refuse")
    return all(_held(said, told, case) for told in taken_back if told.statement.at_us <= said.at_us)


def _no_swap(said: Saying, case: Case) -> bool:
    """The purpose did not rest on consent that was taken back or refused, or this basis was on record by then.

    A no to everything, or to a purpose above, is none to what was never asked for: a later order is fulfilled.
    """
    taken_back = case.about(said.purpose, said.channel, "withdraw", "refuse")
    return all(_held(said, told, case) for told in taken_back if _rested_on_consent(said, told, case))


def _rested_on_consent(said: Saying, no: Told, case: Case) -> bool:
    """Whether consent had been asked for this purpose when that no was said: it names it, or there was a yes.

    It names what the notice lists that it answers, too: one question was about all of that.
    """
    if said.purpose in (no.statement.purpose, *case.asked.get(no.statement.notice or "", ())):
        return True
    return any(
        said.purpose in (told.statement.purpose, *told.statement.covers)
        and (EVERY_CHANNEL in (said.channel, told.statement.channel) or said.channel == told.statement.channel)
        and told.statement.at_us <= no.statement.at_us
        for told in case.heard("grant")
    )


def _not_before_a_no(said: Saying, case: Case) -> bool:
    """Its time is after every no on record about it, unless this basis was on record before that no, from that time."""
    return all(
        said.at_us > no.statement.at_us or _held(said, no, case, from_us=said.at_us)
        for no in case.about(said.purpose, said.channel, *_NOES)
        if not no.statement.traits or set(no.statement.traits) & set(case.purposes[said.purpose].traits)
    )


def _no_opt_out(said: Saying, case: Case) -> bool:
    """Nobody said no to this purpose on this channel, or to all."""
    noes = case.about(said.purpose, said.channel, "withdraw", "refuse", "object")
    traits = set(case.purposes[said.purpose].traits)
    return not any(
        told.statement.at_us <= said.at_us and (not told.statement.traits or traits & set(told.statement.traits))
        for told in noes
    )


def _held(said: Saying, no: Told, case: Case, *, from_us: int | None = None) -> bool:
    """Whether this very basis was on record before that no, and had not run out by then: what ended holds nothing open.

    `from_us`: and held from that time on.
    """
    return any(
        own.seq < no.seq
        and not _is_over(own.statement, no.statement.at_us, case)
        and (from_us is None or own.statement.at_us <= from_us)
        for own in _same(said, case)
    )


def _is_over(own: Statement, at_us: int, case: Case) -> bool:
    """Whether a basis had run out by a time, or its purpose had turned into another."""
    changed = case.cut_after(own.purpose, own.at_us, bases=True)
    return any(end is not None and end <= at_us for end in (own.until_us, changed))


def _same(said: Saying, case: Case) -> Iterator[Told]:
    """The entries of this very basis, for this purpose, as wide as it or wider."""
    return (
        told
        for told in case.about(said.purpose, said.channel, "basis")
        if (told.statement.basis, told.statement.purpose) == (said.basis, said.purpose)
        and told.statement.channel in (EVERY_CHANNEL, said.channel)
    )


_CLOSED: Final = "is closed: the person said no, took consent back or opted out before"
_LOOKED_UP: Final[Mapping[str, _Condition]] = MappingProxyType(
    {
        "no-withdrawal": _Condition(_no_withdrawal, _CLOSED),
        "no-opt-out": _Condition(_no_opt_out, _CLOSED),
        "no-swap": _Condition(
            _no_swap,
            "is closed: this purpose rested on consent, which the person refused or took back",
            mend="ask for consent again; what a new contract cannot be fulfilled without has a purpose of its own",
        ),
        "not-before-a-no": _Condition(
            _not_before_a_no,
            "is not dated back over a no that is on record",
            where="at",
            mend="record it from now on: leave out --at",
        ),
    }
)
