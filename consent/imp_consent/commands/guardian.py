"""`imp consent guardian`: a guardian's authorisation for somebody too young to consent alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

import click

from imp_consent.commands.arguments import parse_days, read_identifier, time_option
from imp_consent.commands.saying_options import law_options
from imp_consent.identity.normalize import normalise
from imp_consent.ledger.entry import EVERY_PURPOSE, PersonEntry, Statement
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.suppression import is_suppressed
from imp_consent.plane.guardians import named_as
from imp_consent.policy.door import Door
from imp_consent.policy.meeting import GUARDED, is_over
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import corrected, lineage
from imp_consent.rights.own_authorisations import known_role
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId
from imp_core.ports import Json

__all__ = ["GuardianResult", "guardian_command", "record_guardian"]

_STRANGER: Final = (
    "nobody here is known by the guardian's identifier, who need not be a customer; if it is misspelt, record it again"
)
_ERASED: Final = (
    "this guardian was erased here before: what they authorise from now on leads to them again, and nothing else of "
    "them is taken up; record it only if they gave it since"
)
_ROLE: Final = (
    "this role is in words of your own: it is one word, such as mother, father or guardian, and names nobody; in their "
    "copy the guardian reads guardian instead"
)
_LONGER: Final = (
    "the same guardian authorised this for longer in entry {seq}, which stands beside it: to end that, record their "
    "withdrawal (imp consent record … --state withdrawn --by-guardian), and then what they authorise from now on"
)
_EVERYTHING: Final = (
    "this authorises every purpose there is or will be, and consent is specific (GDPR 4(11), 8(1)): "
    "name what the guardian agreed to, --purpose"
)
_NO_AGE: Final = (
    "no age is recorded by then at which a guardian agrees, and a yes --by-guardian is refused until it is: "
    "imp consent minor KIND:VALUE --born YYYY-MM-DD --at TIME"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardianResult:
    """The entry that was appended, for which purpose ("*": every one); `guardian` is the guardian's pseudonym (hex).

    `key` is the id of the pepper under which it is the pseudonym; `until` None: for good; times are ISO 8601.
    `warnings` say what may have been meant otherwise: a guardian nobody is known by, or who was erased, a yes for
    whatever there will be, a role that is no known word, an earlier authorisation of theirs that lasts longer.
    """

    seq: int
    purpose: str
    guardian: str
    key: str
    role: str
    verification: str
    at: str
    until: str | None
    warnings: tuple[str, ...] = ()


def record_guardian(
    ctx: Context,
    raw_id: RawId,
    guardian: RawId,
    *,
    role: str,
    verification: str,
    purpose: str = EVERY_PURPOSE,
    at_us: int | None = None,
    valid_for_days: int | None = None,
    evidence: str | None = None,
    regimes: tuple[str, ...] | None = None,
    jurisdiction: str | None = None,
) -> GuardianResult:
    """Record that a guardian authorised uses of a person's data; the guardian is kept as a pseudonym only.

    Raises:
        BadInput: an identifier is malformed, both are one person's, or role or verification says nothing.
    """
    with open_log(ctx).write() as transaction:
        if _same_person(transaction, raw_id, guardian):
            mend = "name the parent or guardian who authorised it"
            raise BadInput("nobody is their own guardian (GDPR 8(2))", where="--guardian", mend=mend)
        stranger = transaction.find_subject(guardian) is None
        erased = stranger and is_suppressed(transaction.sealed, transaction.keyring, normalise(guardian))
        named = named_as(transaction.keyring, guardian)
        said = Saying(
            type="guardian",
            purpose=purpose,
            at_us=transaction.now_us if at_us is None else at_us,
            by="guardian",
            valid_for_days=valid_for_days,
            evidence=evidence,
            regimes=regimes,
            jurisdiction=jurisdiction,
            more={**named, "role": role, "verification": verification},
        )
        seq, subject, statement = Door(ctx, transaction, surface="command line").append(raw_id, said)
        longer = _longer(transaction.history(subject), statement, named)
        ageless = not _is_guarded(transaction.history(subject), said.at_us)
    return GuardianResult(
        seq=seq,
        purpose=purpose,
        guardian=str(named["guardian"]),
        key=str(named["guardian_key"]),
        role=role,
        verification=verification,
        at=format_time(said.at_us),
        until=None if statement.until_us is None else format_time(statement.until_us),
        warnings=(
            *_warnings(role, stranger=stranger, erased=erased, purpose=purpose, ageless=ageless),
            *(_LONGER.format(seq=entry.seq) for entry in longer[-1:]),
        ),
    )


def _longer(history: Sequence[PersonEntry], said: Statement, named: Mapping[str, Json]) -> list[PersonEntry]:
    """What the same guardian authorised before of this purpose for longer, and nobody took back since."""
    wrong = corrected(history)
    about = [entry for entry in history if entry.seq not in wrong and entry.statement.purpose in lineage(said.purpose)]
    taken_us = max((entry.statement.at_us for entry in about if _takes_back(entry.statement)), default=-1)
    return [
        entry
        for entry in about
        if entry.statement.type == "guardian"
        and all(entry.payload.get(name) == value for name, value in named.items())
        and taken_us < entry.statement.at_us <= said.at_us
        and _end(entry.statement) > _end(said)
    ]


def _takes_back(said: Statement) -> bool:
    return said.type == "withdraw" or (said.type == "refuse" and said.by is not None)


def _end(said: Statement) -> float:
    return inf if said.until_us is None else said.until_us


def _is_guarded(history: Sequence[PersonEntry], at_us: int) -> bool:
    """Whether an age is on record at a time, whatever it is for, at which a guardian agrees."""
    wrong = corrected(history)
    ages = [entry.statement for entry in history if entry.statement.type == "minor" and entry.seq not in wrong]
    return any(age.needs in GUARDED and age.at_us <= at_us and not is_over(age, at_us) for age in ages)


def _warnings(role: str, *, stranger: bool, erased: bool, purpose: str, ageless: bool) -> tuple[str, ...]:
    meant = (
        (_NO_AGE, ageless),
        (_ERASED, erased),
        (_STRANGER, stranger and not erased),
        (_EVERYTHING, purpose == EVERY_PURPOSE),
        (_ROLE, known_role(role) is None),
    )
    return tuple(text for text, holds in meant if holds)


@click.command("guardian")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option("--guardian", required=True, metavar="KIND:VALUE|-", help="Who authorised it; kept as a pseudonym.")
@click.option("--role", required=True, help="What they are to the person, in a word: mother, father, guardian.")
@click.option("--verification", required=True, help="How that was verified, such as: ID card, signed form.")
@click.option("--purpose", default=EVERY_PURPOSE, show_default=True, help="What for; * is every purpose.")
@click.option("--at", help="When, ISO 8601 with a zone (default: now).")
@click.option("--valid-for", metavar="DAYSd", help="Ends after so many days, such as 180d.")
@click.option("--evidence", help="Where the proof is, such as a document's number.")
@law_options
@json_option
@pass_context
def guardian_command(
    ctx: Context,
    *,
    identifier: str,
    guardian: str,
    role: str,
    verification: str,
    purpose: str,
    at: str | None,
    valid_for: str | None,
    evidence: str | None,
    regimes: tuple[str, ...],
    jurisdiction: str | None,
    as_json: bool,
) -> None:
    """Record a guardian's authorisation; consent itself comes with: imp consent record … --by-guardian.

    It opens nothing by itself. Name the purposes it is for: consent is specific, and for all of them it warns. It is
    taken back by withdrawing what it is for, or everything: imp consent record member:123 --purpose '*' --state
    withdrawn --by-guardian; what permits again needs a new one. The guardian may ask for a copy of it and for their
    erasure by the identifier named here: the authorisation stands then, and leads to nobody.

    Example: imp consent guardian member:123 --guardian member:99 --role parent --verification passport --purpose news
    """
    if identifier == guardian == "-":
        raise BadInput(
            "only one of the two can come from standard input",
            where="--guardian",
            mend="name the other as kind:value",
        )
    done = record_guardian(
        ctx,
        read_identifier(identifier),
        read_identifier(guardian),
        role=role,
        verification=verification,
        purpose=purpose,
        at_us=time_option(at, "--at"),
        valid_for_days=None if valid_for is None else parse_days(valid_for),
        evidence=evidence,
        regimes=regimes or None,
        jurisdiction=jurisdiction,
    )
    for warning in done.warnings:
        click.echo(f"warning: {warning}", err=True)
    until = f" until {done.until}" if done.until else ""
    what = "every purpose" if done.purpose == EVERY_PURPOSE else done.purpose
    emit(done, f"entry {done.seq}: a {done.role} authorised {what} from {done.at}{until}", as_json=as_json)


def _same_person(reader: Reader, person: RawId, guardian: RawId) -> bool:
    if normalise(person) == normalise(guardian):
        return True
    found = reader.find_subject(guardian)
    return found is not None and found == reader.find_subject(person)
