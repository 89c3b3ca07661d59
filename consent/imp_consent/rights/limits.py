"""What takes permission away by a right of its own (objection, restriction, limit), and how it is lifted again.

None of the former needs the person to prove who they are. Lifting a restriction needs that the person was told first
(GDPR 18(3)); lifting an objection needs compelling grounds (21(1)), and one to direct marketing is never lifted: only
a later yes of the person's own reopens it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from imp_consent.ledger.entry import EVERY_CHANNEL, EVERY_PURPOSE
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.declared import DIRECT_MARKETING
from imp_consent.policy.door import Appended, Door
from imp_consent.policy.lift_rules import LIMITS_BY_NAME, NOTIFIED
from imp_consent.policy.limiting import limits_in_force
from imp_consent.policy.recorded import Law, recorded_law
from imp_consent.policy.regime import read_regimes
from imp_consent.policy.rules import Rules
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import Scope
from imp_consent.rights.asking import Asked, law_of, open_ones, open_request, take_up
from imp_consent.rights.law import rules_for, rules_of_no
from imp_consent.rights.requests import Request, answer_request
from imp_core.context import Context
from imp_core.errors import BadInput, CheckFailed
from imp_core.event import RawId

__all__ = ["LIMITS", "Lift", "Limit", "Put", "lift_limit", "put_limit"]

# By the kind of request: the type of the entry that it makes.
LIMITS: Final = {"object": "object", "restrict": "restrict", "limit": "limit-sensitive"}
_MAX_WORDS: Final = 300
_NAMED: Final = frozenset({"jurisdiction", "regime"})
_TELL_FIRST: Final = 'tell them, then say how and when: --told "letter of 3 March" --told-at 2026-03-03T10:00:00Z'
_MENDS: Final = {
    "restrict": _TELL_FIRST,
    "object": 'name the assessment: --grounds "assessment 7 of 3 March"',
    "limit-sensitive": 'say how they asked for it: --grounds "their letter of 3 March"',
}
# What the door says is missing, and the option that says it.
_UNMET: Final = {"lifts": "--of", "grounds": "--grounds", "told_us": "--told-at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit as asked for: its kind, on what ("*": everything), since when (UTC µs; None: now), on what grounds.

    `marketing`: of an objection, against direct marketing wherever it is, whatever the purpose is called.
    """

    kind: str
    purpose: str = EVERY_PURPOSE
    channel: str = EVERY_CHANNEL
    at_us: int | None = None
    grounds: str | None = None
    marketing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """A lift: of which type of entry, on what, and what it rests on; `told`, `told_us`: how and when the person was."""

    of: str
    purpose: str = EVERY_PURPOSE
    channel: str = EVERY_CHANNEL
    grounds: str | None = None
    told: str | None = None
    told_us: int | None = None


class Put(NamedTuple):
    """A limit that was put: the request it answers, its entry, other open requests of the kind, and what was wrong.

    That is with the law or place named, or with imp.toml's (None: nothing): it stands under the strictest law then.
    `law` is what it stands under.
    """

    request: Request
    entry: Appended
    still_open: tuple[str, ...]
    unknown: BadInput | None
    law: Law


def put_limit(ctx: Context, transaction: Transaction, raw: RawId, limit: Limit, asked: Asked) -> Put:
    """Take up the person's open request or note a new one, limit at once, and note the answer. Nobody proves anything.

    Where no law is named it is that of their request or else of their entries (`law_of`).

    Somebody who was not known is from now on: a no counts even where nothing was said before.

    Raises:
        BadInput: an unknown purpose or channel, a time to come, a malformed identifier, or not a request of theirs.
        CheckFailed: the request named was answered before.
        Suppressed: the person was erased: nothing of theirs is used any more.
    """
    _expect_line(limit.grounds, "--grounds")
    waiting = take_up(ctx, transaction, raw, asked)
    named = asked.regimes is not None or asked.jurisdiction is not None
    asked = law_of(transaction, transaction.find_subject(raw), asked, waiting)
    rules, unknown = rules_of_no(ctx, transaction, asked.regimes, asked.jurisdiction)
    said = Saying(
        type=LIMITS[limit.kind],
        purpose=limit.purpose,
        channel=limit.channel,
        at_us=transaction.now_us if limit.at_us is None else limit.at_us,
        traits=tuple(sorted({DIRECT_MARKETING, *rules.objection_traits})) if limit.marketing else None,
        regimes=rules.names,
        jurisdiction=asked.jurisdiction or rules.jurisdiction,
        more={"grounds_said": limit.grounds} if limit.grounds else {},
    )
    door = Door(ctx, transaction, surface="command line")
    said = door.settle(raw, said)
    done = door.append(raw, said)
    request = waiting or open_request(ctx, transaction, done.subject, asked, rules=rules)
    answered = answer_request(transaction, request, outcome="answered")
    still_open = tuple(one.id for one in open_ones(transaction, raw, asked.kind))
    if unknown is not None and unknown.where in _NAMED and not named:
        unknown = None  # what their older entries name, nobody can mend now
    return Put(answered, done, still_open, unknown, Law(door.rules(said).names, door.place(said)))


def lift_limit(ctx: Context, transaction: Transaction, raw: RawId, lift: Lift) -> Appended:
    """Lift what is in force, by the law under which it was recorded.

    Raises:
        CheckFailed: nobody is known, nothing of the kind is in force, it was an objection to direct marketing, or of a
            restriction the person was not told before, or of an objection there are no grounds.
        BadInput: an unknown purpose or channel, or words that are not one line.
    """
    _expect_line(lift.grounds, "--grounds")
    _expect_line(lift.told, "--told")
    subject = transaction.find_subject(raw)
    history = [] if subject is None else transaction.history(subject)
    limits = limits_in_force(history, lift.of, Scope(lift.purpose, lift.channel))
    if subject is None or not limits:
        what = f"this person has no {LIMITS_BY_NAME[lift.of]} in force that this could lift"
        raise CheckFailed(what, where="--of", mend="see what is: imp consent history KIND:VALUE")
    law = recorded_law(limits, read_regimes(transaction).texts)
    rules = rules_for(ctx, transaction, law.regimes, law.jurisdiction)
    said = Saying(
        type="lift",
        purpose=lift.purpose,
        channel=lift.channel,
        at_us=transaction.now_us,
        lifts=lift.of,
        grounds=_grounds(lift, rules),
        regimes=rules.names,
        jurisdiction=law.jurisdiction or rules.jurisdiction,
        more={"told": lift.told, "told_us": lift.told_us} if lift.told else {},
    )
    try:
        return Door(ctx, transaction, surface="command line").append(subject, said)
    except BadInput as error:
        where = _UNMET.get(error.where or "")
        if where is None:
            raise
        if error.where == "grounds" and lift.of == "restrict":
            where = "--told"
        mend = error.mend if error.where == "lifts" else _MENDS.get(lift.of, error.mend)
        raise CheckFailed(error.what, where=where, mend=mend) from None


def _grounds(lift: Lift, rules: Rules) -> dict[str, str]:
    """What the lift rests on, by the words that the law has for it: the telling for one, the grounds for all others."""
    words = {word for rule in rules.lifts if rule.type == lift.of for word in rule.needs}
    found = {word: lift.told if word == NOTIFIED else lift.grounds for word in sorted(words)}
    return {word: text for word, text in found.items() if text}


def _expect_line(text: str | None, where: str) -> None:
    if text is not None and not (text.isprintable() and 0 < len(text.strip()) <= _MAX_WORDS):
        raise BadInput("not one line of at most 300 characters", where=where, mend="write it in one line, and shorter")
