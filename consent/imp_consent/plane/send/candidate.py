"""Who is in an audience, and who of them could be sent to now: asked of the gate, counted by reason where not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from imp_consent.gate import decide_many
from imp_consent.identity.normalize import normalise
from imp_consent.identity.pseudonym import channel_pseudonym, message_key
from imp_consent.ledger.delivery import INTENDED, Outcome, find_outcomes
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.suppression import is_suppressed
from imp_consent.plane.intake.people import People
from imp_consent.plane.send.campaign import MESSAGE, Campaign
from imp_consent.policy.decide import Reason
from imp_core.channel import DeliveryStatus
from imp_core.errors import BadInput
from imp_core.event import RawId, RowFault
from imp_core.ports import Assigner, ExperimentTerms

__all__ = ["AudienceRow", "Candidate", "Screen", "Tally", "permitted"]

DUPLICATE: Final = "duplicate"
ANOTHERS_ADDRESS: Final = "address_of_another"
IN_FLIGHT: Final = "in_flight"
_YES: Final = (DeliveryStatus.ACCEPTED, DeliveryStatus.DELIVERED)
# Nothing was taken: another run may try again.
_NOT_TAKEN: Final = (DeliveryStatus.DEFERRED, DeliveryStatus.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceRow:
    """A row of an audience file: who it is, where to reach them (None: the channel needs no address), their fields."""

    row: int
    person: RawId
    address: RawId | None
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Somebody who may be sent to: by subject, by the channel's handle, by the message's key.

    `variant` is None without an experiment; `exposed` is whether they take part in it. `content` None: sent nothing.
    """

    source: AudienceRow = field(repr=False)
    subject: int
    handle: str
    key: bytes
    content: str | None
    variant: str | None = None
    exposed: bool = False
    before: Outcome | None = None
    attempts: int = 0

    def again(self, *, counted: bool) -> Candidate:
        """The same for another try."""
        return replace(self, attempts=self.attempts + counted)


@dataclass(slots=True)
class Tally:
    """What became of the audience's rows; every row is counted once.

    `before` are outcomes of earlier runs, `sent` those of this one; `in_doubt` lists rows of the audience by number.
    `codes` counts the peer's codes by status, where it was no yes.
    """

    audience: int = 0
    malformed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    before: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    contents: Counter[str] = field(default_factory=Counter)
    held_out: int = 0
    exposed: int = 0
    in_doubt: list[int] = field(default_factory=list)
    codes: dict[str, Counter[str]] = field(default_factory=dict)

    def settle(self, item: Candidate, outcome: Outcome) -> None:
        """Count what became of somebody in this run, and the peer's code where it was no yes."""
        self.sent[outcome.status] += 1
        if outcome.status not in _YES:
            self.codes.setdefault(outcome.status, Counter())[outcome.code or "none"] += 1
        if outcome.status != DeliveryStatus.DEFERRED:
            self.contents[item.content or ""] += 1
        if outcome.status == DeliveryStatus.IN_DOUBT:
            self.in_doubt.append(item.source.row)


class Screen:
    """Takes an audience window by window; each row is malformed, refused, settled before, or a candidate."""

    def __init__(
        self,
        campaign: Campaign,
        tally: Tally,
        *,
        assigner: Assigner | None,
        terms: ExperimentTerms | None,
        now_us: Callable[[], int],
        resend_in_doubt: bool,
        refuse: Callable[[RowFault], None],
    ) -> None:
        self._campaign, self._tally = campaign, tally
        self._assigner, self._terms = assigner, terms
        self._now_us = now_us
        self._resend = resend_in_doubt
        self._refuse = refuse
        self._people = People()
        self._seen: set[bytes] = set()

    def candidates(self, reader: Reader, rows: Sequence[AudienceRow | RowFault]) -> list[Candidate]:
        """Those of these rows who may be sent to now, in the order of their handles, which says nothing about them.

        Raises:
            LedgerBroken: the ledger was changed by other hands.
        """
        self._people.begin(reader)
        self._tally.audience += len(rows)
        known: list[tuple[AudienceRow, int]] = []
        for row in rows:
            subject = self._subject(reader, row)
            if subject is not None and not isinstance(row, RowFault):
                known.append((row, subject))
        found = self._unsettled(reader, self._keyed(reader, known))
        allowed = permitted(reader, self._campaign, [item.subject for item in found], self._now_us())
        out: list[Candidate] = []
        for item, reason in zip(found, allowed, strict=True):
            if reason is None:
                out.append(item)
            else:
                self._tally.refused[reason] += 1
        return sorted(self._with_variants(reader, out), key=lambda item: item.handle)

    def _subject(self, reader: Reader, row: AudienceRow | RowFault) -> int | None:
        """Whose row it is; None where it is nobody's who could be sent to, which is counted."""
        if isinstance(row, RowFault):
            self._malformed(row)
            return None
        try:
            person = self._people.look_up(row.person)
            owner = person if row.address is None else self._people.look_up(row.address)
            if person.subject is None or owner.subject is None:
                ids = [row.person] if row.address is None else [row.person, row.address]
                if _suppressed(reader, ids):
                    self._tally.refused[Reason.ERASED] += 1
                    return None
        except BadInput as error:
            self._malformed(RowFault(row=row.row, field="identifier", problem=error.what))
            return None
        if person.subject is None:
            self._tally.refused[Reason.NO_RECORD] += 1
        elif owner.subject not in (None, person.subject):
            self._tally.refused[ANOTHERS_ADDRESS] += 1
        else:
            return person.subject
        return None

    def _malformed(self, fault: RowFault) -> None:
        self._tally.malformed += 1
        self._refuse(fault)

    def _keyed(self, reader: Reader, known: Sequence[tuple[AudienceRow, int]]) -> list[Candidate]:
        campaign, keyring = self._campaign, reader.keyring
        idem, own = keyring.active("idem").secret, keyring.active("channel").secret
        out: list[Candidate] = []
        for row, subject in known:
            key = message_key(
                idem, campaign=campaign.name, channel=campaign.channel, step=campaign.step, subject=subject
            )
            if key in self._seen:
                self._tally.refused[DUPLICATE] += 1
                continue
            self._seen.add(key)
            handle = channel_pseudonym(own, campaign.channel, subject).hex()
            out.append(Candidate(source=row, subject=subject, handle=handle, key=key, content=MESSAGE))
        return out

    def _unsettled(self, reader: Reader, items: Sequence[Candidate]) -> list[Candidate]:
        """Those who were not sent to before, or may be sent to again."""
        outcomes = find_outcomes(reader, [item.key for item in items])
        again = (*_NOT_TAKEN, DeliveryStatus.IN_DOUBT) if self._resend else _NOT_TAKEN
        out: list[Candidate] = []
        for item in items:
            before = outcomes.get(item.key)
            if before is None or before.status in again:
                out.append(replace(item, before=before))
            elif before.status == INTENDED:
                self._tally.refused[IN_FLIGHT] += 1
            else:
                self._tally.before[before.status] += 1
                if before.status == DeliveryStatus.IN_DOUBT:
                    self._tally.in_doubt.append(item.source.row)
        return out

    def _with_variants(self, reader: Reader, items: Sequence[Candidate]) -> list[Candidate]:
        terms, assigner = self._terms, self._assigner
        if terms is None or assigner is None:
            return list(items)
        subjects = [item.subject for item in items]
        now_us = self._now_us()
        taking_part = decide_many(
            reader, subjects, [now_us] * len(subjects), purpose=terms.purpose, channel=self._campaign.channel,
            now_us=now_us,
        ).permitted  # fmt: skip
        out: list[Candidate] = []
        for item, may in zip(items, taking_part, strict=True):
            # Who does not permit the experiment, or stands outside its traffic, meets control and leaves no trace.
            owed = assigner.assign(terms.name, str(item.subject)).variant if may else None
            variant = owed or terms.control
            content = None if variant in self._campaign.silent else variant
            out.append(replace(item, variant=variant, content=content, exposed=owed is not None))
        return out


def permitted(reader: Reader, campaign: Campaign, subjects: Sequence[int], now_us: int) -> list[str | None]:
    """For each subject None where the gate lets the campaign reach them now, else the reason why not.

    Raises:
        LedgerBroken: a rectangle was changed by other hands.
    """
    decisions = decide_many(
        reader, subjects, [now_us] * len(subjects), purpose=campaign.purpose, channel=campaign.channel, now_us=now_us
    )
    pairs = zip(decisions.permitted, decisions.reasons, strict=True)
    return [None if may else reason for may, reason in pairs]


def _suppressed(reader: Reader, ids: Sequence[RawId]) -> bool:
    """Whether somebody erased was known by one of these: they are not to be reached under another name."""
    return any(is_suppressed(reader.sealed, reader.keyring, normalise(raw)) for raw in ids)
