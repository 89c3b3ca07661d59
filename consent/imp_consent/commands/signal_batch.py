"""Signals heard one by one: each judged by its own words, so that what is wrong with one holds up no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imp_consent.commands.aside import Fault
from imp_consent.commands.left_out import row_faults
from imp_consent.commands.places import Places
from imp_consent.commands.replies import READ_THEM
from imp_consent.commands.signal_file import fault_of
from imp_consent.commands.unknown_until_now import UNKNOWN_UNTIL_NOW, unknown_noes
from imp_consent.ledger.alike import subjects_alike
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.intake.heard import Heard, heed
from imp_consent.plane.intake.signals import check_nameable, living
from imp_consent.policy.channels import declared_channels
from imp_consent.policy.house import readable_house
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.sayable import check_words
from imp_consent.policy.saying import Saying
from imp_consent.signals.inbound import EVERY_PURPOSE, Effect, read_ear
from imp_consent.signals.optout import Reply
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId, RowFault, Signal

__all__ = ["SignalBatch", "SignalsResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalsResult:
    """What became of signals.

    `recorded` are the people and devices for whom an entry was appended, people reached through a link not counted;
    `held` those for whom the same held already; `invalid` signals that were kept and say nothing; `mentions` the rows
    of replies that only mention a word of opting out, `others` those of replies that mention none: somebody has to read
    both, and `mend` says what to do then (None: there are none). `nothing` are those that do nothing, `nobody` those of
    people who were erased, `rejected` rows that could not be read and are left out: `rejects` names them. Rows are told
    by what is `counted_in`: the line of the file in which one begins. `warnings` say where the first noes of people
    unknown until then stand. `first_seq` and `last_seq` are what was appended (None: nothing), `in_flight` how many
    messages to these people were under way then, `erasures` how many were opened without being asked for.
    """

    recorded: int
    held: int
    invalid: int
    mentions: tuple[int, ...]
    nothing: int
    nobody: int
    first_seq: int | None
    last_seq: int | None
    in_flight: int = 0
    dry_run: bool = False
    others: tuple[int, ...] = ()
    mend: str | None = None
    rejected: int = 0
    rejects: tuple[RowFault, ...] = ()
    counted_in: str = "row"
    warnings: tuple[str, ...] = ()
    erasures: int = 0


class _Finder:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def find(self, raw: RawId) -> int | None:
        return self._reader.find_subject(raw)

    def alike(self, raw: RawId) -> list[int]:
        return subjects_alike(self._reader, raw)


class SignalBatch:
    """Signals as they were heard, up to a moment.

    `faults` takes those that cannot be meant: an identifier of no such kind, or by which nobody can become known, an
    unknown purpose or channel, a time to come, a string too long. None: the first of them is raised.

    Raises:
        BadInput: as said.
    """

    def __init__(
        self, ctx: Context, reader: Reader, signals: Sequence[Signal], *, now_us: int, faults: list[Fault] | None
    ) -> None:
        self.heard: list[Heard] = []
        self._mentions: list[int] = []
        self._others: list[int] = []
        self.unknown = Places()  # withdrawals of people of whom nobody had heard
        self.sound = self._invalid = self._nothing = 0
        self._faults, self._reader = faults, reader
        self._finder, self._ear, self._now_us = _Finder(reader), read_ear(ctx.workspace.config), now_us
        self._purposes = read_purposes(reader)
        self._channels = declared_channels(ctx.workspace, readable_house(ctx.workspace.config)[0])
        for one in signals:
            try:
                self._hear(one)
                self.sound += 1
            except BadInput as error:
                if faults is None:
                    raise
                faults.append(fault_of(one.row, error))

    def _hear(self, one: Signal) -> None:
        # a string holds on every channel; a channel that there is not was meant to be another one all the same
        meant = Saying(type="withdraw", purpose=one.purpose or EVERY_PURPOSE, channel=one.channel, at_us=one.event_us)
        check_words(meant, self._purposes, self._channels, now_us=self._now_us)
        self._finder.find(one.identifier)
        effect = self._ear.hear(one.kind, one.raw, one.purpose)
        if isinstance(effect, Effect):
            channel, at_us = one.channel, one.event_us
            people = heed(self._finder, one.identifier, effect, channel=channel, event_us=at_us, create=True)
            check_nameable(self._reader, people)
            self._invalid += not effect.valid
            if effect.type == "withdraw" and any(isinstance(living(self._reader, who.who), RawId) for who in people):
                self.unknown.add(one.row)
            self.heard += people
        elif effect is Reply.MENTION:
            self._mentions.append(one.row)
        elif effect is Reply.OTHER:
            self._others.append(one.row)
        else:
            self._nothing += 1

    def result(
        self,
        new: int,
        seqs: Sequence[int],
        *,
        nobody: int,
        counted: str | None,
        dry_run: bool = False,
    ) -> SignalsResult:
        """What became of them; `counted` is what the rows of their file count (None: it is one, and of no file)."""
        alone = (UNKNOWN_UNTIL_NOW,) if self.unknown.count else ()
        return SignalsResult(
            recorded=new,
            held=len(self.heard) - new - nobody,
            invalid=self._invalid,
            mentions=tuple(self._mentions),
            nothing=self._nothing,
            nobody=nobody,
            first_seq=seqs[0] if seqs else None,
            last_seq=seqs[-1] if seqs else None,
            dry_run=dry_run,
            others=tuple(self._others),
            mend=READ_THEM if self._mentions or self._others else None,
            rejected=len(self._faults or ()),
            rejects=row_faults(self._faults or ()),
            counted_in=counted or "row",
            warnings=alone if counted is None else unknown_noes(self.unknown, counted),
        )

    def erased(self, reader: Reader) -> int:
        """How many are of people who were erased."""
        return sum(living(reader, one.who) is None for one in self.heard)

    def subjects(self, transaction: Transaction) -> set[int]:
        """The people who are known by now."""
        found = (one.who if isinstance(one.who, int) else transaction.find_subject(one.who) for one in self.heard)
        return {subject for subject in found if subject is not None}
