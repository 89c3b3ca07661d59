"""Rectification (GDPR 16): an entry that was wrong counts no more, and stays in history as superseded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from imp_consent.ledger.entry import EVERY_CHANNEL, PersonEntry
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.door import Appended, Door
from imp_consent.policy.notice import read_notices
from imp_consent.policy.recorded import recorded_law
from imp_consent.policy.regime import read_regimes
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import DENYING, lineage
from imp_consent.policy.state import Segment, scopes, timeline
from imp_consent.rights.asking import Asked, open_request, take_up
from imp_consent.rights.requests import Request, answer_request
from imp_core.context import Context
from imp_core.errors import CheckFailed
from imp_core.event import RawId

__all__ = ["Corrected", "Correction", "correct"]

# A correction takes away what permits, or an age, never a no: whoever changed their mind says yes anew.
_THE_NEWER: Final = "see which entry is in its place: imp consent history KIND:VALUE"
_CORRECTABLE: Final = frozenset({"grant", "basis", "guardian", "minor"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """Which entry is wrong, and, of a consent, what would have been right: time (UTC µs), purpose, channel; None: same.

    Where none of the three is given, nothing takes the place of the entry. `evidence` is where the proof is that it was
    so, which is asked for where more is permitted by it than was.
    """

    entry: int
    at_us: int | None = None
    purpose: str | None = None
    channel: str | None = None
    evidence: str | None = None

    @property
    def replaces(self) -> bool:
        """Whether something takes the entry's place."""
        return not (self.at_us is None and self.purpose is None and self.channel is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """The correction that was appended, the entry in the wrong one's place (None: none), whose, and the request.

    `older_than_notice`: by the earlier time it was moved to, the notice it rests on was not registered here yet.
    """

    seq: int
    replaced_by: int | None
    subject: int
    request: Request
    older_than_notice: bool = False


def correct(ctx: Context, transaction: Transaction, raw: RawId, correction: Correction, asked: Asked) -> Corrected:
    """Take up their open request or note a new one, supersede the entry, put the right one there, note the answer.

    Raises:
        CheckFailed: it is not known surely enough who asks, nobody is known, they have no such entry, it was corrected
            before, it denies something, what is to take its place would outweigh a no that came after it or permit
            more than it did and nothing shows that it was so, or without it an older yes would permit more.
        BadInput: what is to take its place could not be valid, or it is not clear which open request this answers.
    """
    waiting = take_up(ctx, transaction, raw, asked)
    subject = transaction.find_subject(raw)
    wrong = None if subject is None else _wrong(transaction.history(subject), correction.entry)
    if subject is None or wrong is None:
        raise CheckFailed(
            "this person has no such entry", where="--entry", mend="see theirs: imp consent history KIND:VALUE"
        )
    _check_correctable(transaction.history(subject), wrong, correction)
    _check_opens_nothing(transaction.history(subject), wrong, correction)
    before, law = list(transaction.history(subject)), recorded_law([wrong], read_regimes(transaction).texts)
    door, said = Door(ctx, transaction, surface="rectification"), wrong.statement
    request = waiting or open_request(ctx, transaction, subject, asked)
    done = door.append(
        subject,
        Saying(
            type="correction",
            purpose=said.purpose,
            channel=said.channel,
            at_us=transaction.now_us,
            corrects=wrong.seq,
            evidence=correction.evidence,
            regimes=law.regimes,
            jurisdiction=law.jurisdiction,
            more={"was": said.plain(), "request": request.id},
        ),
    )
    replaced = _replace(door, subject, wrong, correction) if correction.replaces else None
    shown = bool((correction.evidence or "").strip())
    _check_reopens_nothing(before, transaction.history(subject), replaced, shown=shown, age=said.type == "minor")
    answered = answer_request(transaction, request, outcome="answered")
    return Corrected(
        seq=done.seq,
        replaced_by=None if replaced is None else replaced.seq,
        subject=subject,
        request=answered,
        older_than_notice=replaced is not None and _is_older(transaction, replaced, wrong),
    )


def _is_older(transaction: Transaction, replaced: Appended, wrong: PersonEntry) -> bool:
    """Whether it was moved back to a time before the notice it rests on was registered."""
    said = replaced.statement
    shown = (found.at_us for found in read_notices(transaction) if found.sha256 == said.notice)
    return said.at_us < wrong.statement.at_us and said.at_us < min(shown, default=said.at_us)


def _wrong(history: list[PersonEntry], seq: int) -> PersonEntry | None:
    return next((entry for entry in history if entry.seq == seq), None)


def _check_correctable(history: list[PersonEntry], wrong: PersonEntry, correction: Correction) -> None:
    if any(entry.statement.corrects == wrong.seq for entry in history):
        raise CheckFailed("this entry was corrected before", where="--entry", mend=_THE_NEWER)
    if wrong.statement.type not in _CORRECTABLE:
        raise CheckFailed(
            "only what permits something is corrected away, never a no",
            where="--entry",
            mend="if the person says yes now: imp consent record … --state given",
        )
    if correction.replaces and wrong.statement.type != "grant":
        mend = "leave --at, --purpose and --channel out, and record the right one: imp consent basis, or guardian"
        raise CheckFailed("only a consent is recorded again by its correction", where="--entry", mend=mend)


def _check_opens_nothing(history: list[PersonEntry], wrong: PersonEntry, correction: Correction) -> None:
    """Expect that what takes an entry's place was said before it was recorded, and before every no that came after it.

    Raises:
        CheckFailed: a correction would outweigh a no, or is of a time that the entry cannot have told of.
    """
    said = wrong.statement
    at_us = said.at_us if correction.at_us is None else correction.at_us
    channels = {EVERY_CHANNEL, said.channel if correction.channel is None else correction.channel}
    covering = lineage(said.purpose if correction.purpose is None else correction.purpose)
    noes = (entry.statement for entry in history if entry.statement.type in DENYING and entry.seq != wrong.seq)
    crossed = correction.replaces and any(
        no.purpose in covering and (no.channel in channels or len(channels) == 1) and said.at_us <= no.at_us <= at_us
        for no in noes
    )
    recorded_us = wrong.payload.get("recorded_us")
    if crossed or (correction.at_us is not None and isinstance(recorded_us, int) and correction.at_us > recorded_us):
        raise CheckFailed(
            "a correction outweighs no later no" if crossed else "the entry was recorded before that",
            where="--at",
            mend="if the person says yes now: imp consent record … --state given",
        )


def _check_reopens_nothing(
    before: list[PersonEntry], after: list[PersonEntry], replaced: Appended | None, *, shown: bool, age: bool
) -> None:
    """Expect that nothing is permitted that was not, but by what takes the entry's place where it is `shown` to be so.

    Or by the `age` having been wrong, where that is shown.

    Raises:
        CheckFailed: an older entry permits it, or nothing shows it.
    """
    for scope in scopes(after):
        held = [part for part in timeline(before, scope) if part.permit]
        for part in timeline(after, scope):
            own = age or (replaced is not None and replaced.seq in part.entries)
            if not part.permit or (own and shown) or _covered(part, held):
                continue
            if own:
                raise CheckFailed(
                    "this correction permits more than the entry did, and nothing shows that it was so (GDPR 5(1)(d), "
                    "7(1))",
                    where="--evidence",
                    mend='say where the proof is, such as the number of the form: --evidence "…"',
                )
            raise CheckFailed(
                "without this entry an older one would permit what is denied now",
                where="--entry",
                mend="if the person says yes now: imp consent record … --state given",
            )


def _covered(part: Segment, held: list[Segment]) -> bool:
    """Whether these, which are in order, leave no gap in that one's time."""
    reached = part.from_us
    for one in held:
        if one.from_us <= reached:
            reached = max(reached, one.to_us)
    return reached >= part.to_us


def _replace(door: Door, subject: int, wrong: PersonEntry, correction: Correction) -> Appended:
    said, old = wrong.statement, wrong.payload
    action, evidence, steps = (old.get(name) for name in ("affirmative_action", "evidence", "steps"))
    regimes, jurisdiction = old.get("regimes"), old.get("jurisdiction")
    purpose = said.purpose if correction.purpose is None else correction.purpose
    return door.append(
        subject,
        Saying(
            type=said.type,
            purpose=purpose,
            channel=said.channel if correction.channel is None else correction.channel,
            at_us=said.at_us if correction.at_us is None else correction.at_us,
            until_us=said.until_us,
            notice=said.notice,
            consent=said.consent,
            bundled=said.bundled,
            informed=said.informed,
            by=said.by,
            action=action if isinstance(action, str) else None,
            evidence=evidence if isinstance(evidence, str) else correction.evidence,
            steps=steps if isinstance(steps, int) else None,
            shared=old.get("shared") is True,
            regimes=tuple(map(str, regimes)) if isinstance(regimes, list) and regimes else None,
            jurisdiction=jurisdiction if isinstance(jurisdiction, str) else None,
            more={"corrects": wrong.seq},
        ),
    )
