"""When a guardian's yes ends because the child comes of age: as the ages say that are known, not as it was written.

Where law ends it so (`guardian_yes_ends` of a regime) the yes says that it holds for as long as a guardian is needed,
and is written with the end that was known then. An age that was wrong is corrected later, and what is right told in its
place: where that is an earlier end, the yes ends by then. A later one leaves the written end, which fails safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from imp_consent.ledger.entry import Statement
from imp_consent.policy.meeting import GUARDED, GUARDIAN, guarded, meet
from imp_consent.policy.scope import Fact, corrected

__all__ = ["end_of_age", "unheard_until"]


class _Ended(NamedTuple):
    """A guardian's yes with the end that follows from the ages."""

    seq: int
    statement: Statement


def end_of_age(heard: Sequence[Fact], wrong: frozenset[int]) -> Sequence[Fact]:
    """What was heard of a scope, guardians' yeses that end so with their true end; an age that is `wrong` says none."""
    if not any(_ends(fact.statement) for fact in heard):
        return heard
    ages = [fact.statement for fact in heard if fact.statement.type == "minor" and fact.seq not in wrong]
    return [_Ended(fact.seq, _ended(fact.statement, ages)) if _ends(fact.statement) else fact for fact in heard]


def unheard_until(history: Sequence[Fact], at_us: int) -> list[Fact]:
    """A person's yeses by a guardian until a time of which nothing is heard: by then no age was told that needs one."""
    wrong = corrected(history)
    said = [fact for fact in history if fact.seq not in wrong]
    ages = [fact for fact in said if fact.statement.type == "minor"]
    yeses = [fact for fact in said if fact.statement.type == "grant" and fact.statement.by is not None]
    return [yes for yes in yeses if yes.statement.at_us <= at_us and not any(_heard(age, yes) for age in ages)]


def _heard(age: Fact, yes: Fact) -> bool:
    before = (age.statement.at_us, age.seq) < (yes.statement.at_us, yes.seq)
    return before and guarded(age.statement, yes.statement)


def _ends(said: Statement) -> bool:
    return said.type == "grant" and said.needs == GUARDIAN


def _ended(yes: Statement, ages: Sequence[Statement]) -> Statement:
    about = (age for age in ages if age.needs in GUARDED and (not age.traits or meet(age, yes)))
    ends = (yes.until_us, *(age.until_us for age in about))
    return replace(yes, until_us=min((end for end in ends if end is not None), default=None))
