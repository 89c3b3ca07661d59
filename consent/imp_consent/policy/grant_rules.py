"""When a consent may be written down as one: by what act, after which notice, of which kind, and until when."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from imp_consent.ledger.entry import Statement
from imp_consent.policy.case import Case, Told, refusal
from imp_consent.policy.meeting import GUARDED, is_over
from imp_consent.policy.notice import Notice, check_notice
from imp_consent.policy.notice_search import is_hash_of
from imp_consent.policy.rules import CONSENTS, Need
from imp_consent.policy.saying import Saying
from imp_consent.policy.says import unsaid
from imp_core.clock import DAY_US
from imp_core.errors import BadInput

__all__ = [
    "basis_ends_at",
    "check_grant",
    "check_said_before",
    "ends_at",
    "ends_of_age",
    "grant_covers",
    "refusal_ends_at",
]

_SEPARATE = "separate"
_EXPRESSED = CONSENTS[0]
_ROW = re.compile(r"sha256:[0-9a-f]{64}#[0-9]+")


def check_grant(said: Saying, case: Case) -> None:
    """Look at a consent.

    Raises:
        BadInput: it could not be valid; the law is named.
    """
    _check_act(said, case)
    _check_notice(said, case.notice)
    if case.is_outdated(said.purpose, said.at_us):
        raise refusal(
            "the notice had been changed in substance by then: nobody was asked what it says now",
            "GDPR 7, 13(3); PIPL 14(2)",
            where="notice",
            mend="record the version that was shown; if it was this one, ask anew under the newest",
        )
    if said.consent not in (None, *CONSENTS):
        raise BadInput("not a kind of consent", where="consent", mend=f"one of {', '.join(CONSENTS)}")
    for need in case.needs(said.purpose, said.at_us):
        _check_need(said, need)
        check_said_before(said.purpose, need, case)
    _check_separate(said, case)
    forbidding = case.forbidding(said.purpose, said.at_us)
    if forbidding is not None:
        raise refusal(
            f"below {forbidding.below} nobody agrees to this, and the person is recorded as a child by another law",
            forbidding.source,
            where="purpose",
            mend="record the age by this law too: imp consent minor KIND:VALUE --born YYYY-MM-DD --jurisdiction PLACE",
        )
    if said.by is not None:
        _check_guardian(said, case)


def check_said_before(purpose: str, need: Need, case: Case) -> None:
    """Look whether purpose and notice say what they must before such data is used.

    Raises:
        BadInput: they do not.
    """
    for missing in unsaid(need.says, case.purposes[purpose], case.notice):
        what = f"the {missing.by} does not say {missing.words}"
        raise refusal(what, need.source, where=missing.by, mend=missing.mend)


def grant_covers(said: Saying, case: Case) -> tuple[str, ...]:
    """The purposes below a consent's own which it covers: those the notice lists and for which it would be valid.

    A separate consent is for one purpose alone.
    """
    if case.notice is None or said.consent == _SEPARATE:
        return ()
    below = {name for name in case.notice.purposes if name.startswith(f"{said.purpose}.") and name in case.purposes}
    return tuple(sorted(name for name in below if _is_same(said, name, case) and _suffices(said, name, case)))


def _is_same(said: Saying, purpose: str, case: Case) -> bool:
    """Whether a purpose still means what was shown."""
    changed = case.cut_after(purpose, said.at_us, seen=_seen(said, case))
    return changed is None and not case.is_outdated(purpose, said.at_us)


def ends_at(said: Saying, case: Case) -> int | None:
    """When a consent ends: as it says, as the law says, or when what was shown changed; None: when it is taken back."""
    named = (said.purpose, *grant_covers(said, case))  # of several purposes, when the first of them would end
    lawful = case.rules.validity({trait for name in named for trait in case.purposes[name].traits})
    by_law = lawful.after(said.at_us) if lawful else None
    changed = case.cut_after(said.purpose, said.at_us, seen=_seen(said, case))
    return _first([*_own_ends(said), by_law, changed, _of_age(said, case)])


def _seen(said: Saying, case: Case) -> int | None:
    """The entry of the very text that was shown, where it is named by its hash: it may be known here only later."""
    shown = case.shown
    return shown.seq if shown and is_hash_of(said.notice, shown) else None


def basis_ends_at(said: Saying, case: Case) -> int | None:
    """When another basis ends: as it says, or when the purpose turned into another; None: at no time of its own."""
    return _first([*_own_ends(said), case.cut_after(said.purpose, said.at_us, bases=True)])


def refusal_ends_at(said: Saying, case: Case) -> int | None:
    """When a refusal has aged so that people may be asked anew; what it denied stays denied."""
    purpose = case.purposes.get(said.purpose)
    lawful = case.rules.validity(purpose.traits, refusal=True) if purpose else None
    return _first([*_own_ends(said), lawful.after(said.at_us) if lawful else None])


def _own_ends(said: Saying) -> list[int | None]:
    days = said.valid_for_days
    return [said.until_us, None if days is None else said.at_us + days * DAY_US]


def _first(ends: Iterable[int | None]) -> int | None:
    return min((end for end in ends if end is not None), default=None)


def _check_act(said: Saying, case: Case) -> None:
    if said.action is not None and case.rules.acts.is_passive(said.action):
        raise refusal(
            "no affirmative action (pre-ticked, scrolled past, silent): no consent was given",
            case.rules.sources.get("actions", ""),
            where="action",
            mend="record only what people agreed to by an act of their own, in a plain word for it, such as click",
        )


def _check_notice(said: Saying, notice: Notice | None) -> None:
    if notice is None:
        raise BadInput(
            "no notice names this purpose: nobody can have agreed to it",
            where="notice",
            mend="add the notice people were shown: imp consent notice add",
        )
    _sound(notice)
    if said.steps is not None and (notice.withdraw_steps or 0) > said.steps:
        raise refusal(
            f"it takes {notice.withdraw_steps} steps to withdraw what was given in {said.steps}",
            "GDPR 7(3); EDPB 05/2020 §§112-118",
            where="steps",
            mend="make withdrawing as easy as agreeing, and say so in a new version of the notice",
        )


@lru_cache(maxsize=256)
def _sound(notice: Notice) -> None:
    """Raises BadInput where the notice does not say what consent needs."""
    try:
        check_notice(notice)
    except BadInput as error:
        raise refusal(error.what, "GDPR 13, rec. 42", where="notice", mend=error.mend) from None


def _check_need(said: Saying, need: Need) -> None:
    if need.consent and CONSENTS.index(said.consent or _EXPRESSED) < CONSENTS.index(need.consent):
        what = f"data with the trait {need.trait} needs {need.consent} consent"
        mend = f"if it was given so, record it so: --consent {need.consent}"
        raise refusal(what, need.source, where="consent", mend=mend)


def _check_separate(said: Saying, case: Case) -> None:
    """By an act of its own: not bundled, and not the act that another purpose's consent rests on, whichever is told."""
    own = said.consent == _SEPARATE
    others = (told for told in case.heard("grant") if told.statement.purpose != said.purpose)
    same = any(_one_act(said, told) for told in others if own or told.statement.consent == _SEPARATE)
    if same or (own and (said.bundled or said.shared)):
        mend = "ask for it by an act of its own, and record that act: its time, or its evidence"
        source = "; ".join(dict.fromkeys(need.source for need in case.rules.needs if need.consent == _SEPARATE))
        raise refusal("a separate consent is not shared with another purpose", source, where="consent", mend=mend)


def _one_act(said: Saying, told: Told) -> bool:
    """Whether nothing tells two acts apart: they were at one time, and their evidence, if both have any, is one."""
    proofs = (said.evidence, told.payload.get("evidence"))
    # a row of an imported file tells where it was read, not by what act it was said
    shown = {proof for proof in proofs if isinstance(proof, str) and not _ROW.fullmatch(proof)}
    return told.statement.at_us == said.at_us and len(shown) < 2  # noqa: PLR2004 (one for each act)


def _check_guardian(said: Saying, case: Case) -> None:
    if said.by != "guardian":
        raise BadInput("only a guardian acts for a person", where="by", mend="guardian, or leave it out")
    if not any(_in_force(told.statement, said.at_us) for told in case.about(said.purpose, said.channel, "guardian")):
        raise refusal(
            "no guardian's authorisation is recorded for this purpose and time",
            _sources(case),
            where="by",
            mend="record it first: imp consent guardian",
        )
    if not _is_a_childs(said, said.purpose, case):
        raise refusal(
            "by then no age was recorded at which a guardian agrees: whoever is old enough says yes themselves",
            _sources(case),
            where="by",
            mend="record the age first, as of then: imp consent minor KIND:VALUE --born YYYY-MM-DD --at TIME",
        )


def _is_a_childs(said: Saying, purpose: str, case: Case) -> bool:
    """Whether an age is on record by then at which a guardian agrees to uses for a purpose."""
    minors = [told.statement for told in case.about(purpose, said.channel, "minor")]
    traits = {*case.purposes[purpose].traits}
    about = [minor for minor in minors if not minor.traits or traits & {*minor.traits}]
    return any(minor.needs in GUARDED and _in_force(minor, said.at_us) for minor in about)


def _sources(case: Case) -> str:
    """What the laws that hold rest on where a guardian agrees."""
    return "; ".join(dict.fromkeys(age.source for age in case.rules.ages if age.needs in GUARDED))


def _in_force(statement: Statement, at_us: int) -> bool:
    return statement.at_us <= at_us and not is_over(statement, at_us)


def ends_of_age(said: Saying, case: Case) -> bool:
    """Whether law ends a guardian's yes when the person reaches an age from which only their own counts."""
    return said.by is not None and any(age.guardian_yes_ends for age in case.rules.ages)


def _of_age(said: Saying, case: Case) -> int | None:
    """When a guardian's yes ends by the ages known as it is written; `imp_consent.policy.of_age` looks anew."""
    if not ends_of_age(said, case):
        return None
    minors = (told.statement for told in case.heard("minor") if told.statement.needs in GUARDED)
    return min((minor.until_us for minor in minors if minor.until_us is not None), default=None)


def _suffices(said: Saying, purpose: str, case: Case) -> bool:
    try:
        for need in case.needs(purpose, said.at_us):
            _check_need(said, need)
            check_said_before(purpose, need, case)
    except BadInput:
        return False
    allowed = said.by is None or _is_a_childs(said, purpose, case)
    return allowed and case.forbidding(purpose, said.at_us) is None
