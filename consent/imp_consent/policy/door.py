"""The one door through which a person's entry is written: checked, put into words, in its envelope, appended."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final, NamedTuple

from imp_consent.identity.normalize import normalise
from imp_consent.ledger.alike import subjects_alike
from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.ledger.suppression import Suppressed
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.alike import OPT_OUTS, pass_on, passed, share, take_over
from imp_consent.policy.case import Case
from imp_consent.policy.channels import declared_channels
from imp_consent.policy.cuts import cuts_in
from imp_consent.policy.ended import OWN, consent_ends
from imp_consent.policy.envelope import envelope
from imp_consent.policy.house import readable_house
from imp_consent.policy.laws import Laws
from imp_consent.policy.missed import LIMITING, missed, withdrawal
from imp_consent.policy.notice import RegisteredNotice, read_notices
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.record_fields import record_fields
from imp_consent.policy.regime import read_regimes
from imp_consent.policy.requested import OCCASIONS, open_erase_task
from imp_consent.policy.rules import NOTICE_BASES, Rules
from imp_consent.policy.sayable import check_words
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import DENYING
from imp_consent.policy.shown import Shown
from imp_consent.policy.write_rules import check_statement, said_besides
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId
from imp_core.ports import Json

__all__ = ["Appended", "Door"]

_PERMITTING: Final = frozenset({"grant", "basis"})
_RESTS_ON_NOTICE: Final = frozenset({"grant", "refuse"})
# What is said only of somebody who is known already.
_OF_THE_KNOWN: Final = frozenset({"correction", "link", "unlink", "request", "lift", "lost", "erase-requested"})
# Whatever law or place is named with it, or was with older entries: a no, and what carries one or takes a yes away.
_NOT_REFUSED: Final = DENYING | {"request", "link", "unlink", "correction"}
_OPENING: Final = _PERMITTING | {"lift", "guardian"}  # they wait until everything in imp.toml is read
_OF_CONSENT: Final = frozenset({"grant", "refuse", "withdraw"})
_WITHDRAWAL: Final = OCCASIONS[0]
_OF_TRAITS: Final = frozenset({"signal", "limit-sensitive"})


class Appended(NamedTuple):
    """A person's entry that was appended: its number in the ledger, whose it is, and what it commits to."""

    seq: int
    subject: int
    statement: Statement


class Door:
    """Appends what people said, inside one transaction, whose notices and law it reads once. Errors name the field."""

    def __init__(self, ctx: Context, transaction: Transaction, *, surface: str) -> None:
        self._ctx = ctx
        self._transaction = transaction
        self._surface = surface
        self._house, self._unread = readable_house(ctx.workspace.config)
        self._purposes = read_purposes(transaction)
        self._regimes = read_regimes(transaction)
        notices = read_notices(transaction)
        self._shown = Shown(notices)
        self._asked = {found.sha256: found.notice.purposes for found in notices}
        self._cuts = cuts_in(chain(transaction.system_entries("notice"), transaction.system_entries("policy")))
        self._channels = declared_channels(ctx.workspace, self._house)
        self.laws = Laws(self._house, self._regimes)
        self._settings_known = False  # looked at before the first yes, and not again for each row of a file

    def settle(self, who: RawId | int, said: Saying) -> Saying:
        """The saying with the laws that it stands under: of a no, those of what it ends (`imp_consent.policy.laws`)."""
        return self.laws.settle(said, self._entries_of(who) if said.type in OWN else ())

    def rules(self, said: Saying) -> Rules:
        """The rules that hold for a saying: of the laws it is settled to stand under, else as if nobody were known.

        Raises:
            BadInput: there is no such regime or jurisdiction. A no is never refused for that: it meets the strictest.
        """
        return self.laws.rules_of_no(said) if said.type in _NOT_REFUSED else self.laws.rules(said)

    def rules_strictly(self, said: Saying) -> Rules:
        """The same, where there is time to mend what was named wrongly.

        Raises:
            BadInput: there is no such regime or jurisdiction.
        """
        return self.laws.rules(said)

    def place(self, said: Saying) -> str | None:
        """Where the person is by what is said and known, else by imp.toml."""
        return self.laws.place(said)

    def statement(self, said: Saying, history: Sequence[PersonEntry] = ()) -> Statement:
        """What the saying commits to, after what the person said before.

        Raises:
            BadInput: an unknown purpose or notice, a time to come, or something the law does not let stand.
        """
        if said.type in _OPENING and not self._settings_known:
            self._ctx.expect_known_settings()
            for fault in self._unread:
                raise fault
            self._settings_known = True
        check_words(said, self._purposes, self._channels, now_us=self._transaction.now_us)
        return check_statement(said, self._case(said, history))

    def _case(self, said: Saying, history: Sequence[PersonEntry] = ()) -> Case:
        return Case(
            rules=self.rules(said),
            purposes=self._purposes,
            # a basis is nothing that is shown; what its purpose's notice has to say is looked at all the same
            shown=self._shown.choose(said) if said.type == "basis" else self.notice(said),
            history=history,
            cuts=self._cuts,
            strictest=self._regimes.strictest() if said.type in _OF_TRAITS else None,
            asked=self._asked,
        )

    def check(self, who: RawId | int, said: Saying) -> None:
        """Look for what `append` would refuse, without appending.

        Raises:
            BadInput: as `append`.
        """
        if isinstance(who, RawId):
            normalise(who)
        said = self.settle(who, said)
        self.statement(said, self._entries_of(who))

    def append(
        self, who: RawId | int, said: Saying, *, idempotency_key: str | None = None, returning: bool = False
    ) -> Appended:
        """Append one entry; `who` is an identifier, whose subject is created where nobody was known, or a subject.

        `returning`: by this consent of their own somebody who was erased comes back; the entry says so.

        Raises:
            BadInput: as `statement`, the identifier is malformed, nobody is known of whom only known people's entries
                are written, or `returning` without a consent.
            Suppressed: the person was erased, and is not returning; or came back, and gave this consent before that. Of
                an opt-out only where it is new for nobody who is known by another spelling: it is recorded of those.
        """
        if returning and said.type != "grant":
            raise BadInput("only a consent brings somebody back", where="returning", mend="use it with --state given")
        as_said, said = said, self.settle(who, said)
        statement = self.statement(said, self._entries_of(who))
        try:
            subject = self._subject(who, said, returning=returning)
        except Suppressed:
            return self._append_for_others(who, as_said)
        if statement.type == "grant" and said.at_us < self._returned_us(subject):
            raise Suppressed(
                "this consent is from before the person was erased and came back: it ended with the erasure",
                where="at",
                mend="record what they have said since they came back",
            )
        if said.type in LIMITING:
            self._append_besides(who, subject, said, statement)
        spelt = who if isinstance(who, RawId) and not returning else None
        if spelt is not None and said.type in _PERMITTING:
            take_over(self._transaction, spelt, subject, echo=self._echo)
        seq = self._write(subject, said, statement, idempotency_key, returning=returning)
        if spelt is not None:
            pass_on(self._transaction, spelt, subject, said, statement=statement, echo=self._echo)
        return Appended(seq, subject, statement)

    def take_back(self, subject: int, said: Saying) -> Appended:
        """Append a withdrawal of what was asked for once: no link is too old, whatever is asked for now."""
        said = self.settle(subject, said)
        statement = check_statement(said, self._case(said))
        return Appended(self._write(subject, said, statement), subject, statement)

    def share(self, who: RawId, subject: int) -> None:
        """Let a person whom an identifier leads to from now on, and those of its other spellings, share opt-outs."""
        share(self._transaction, who, subject, echo=self._echo)

    def _append_for_others(self, who: RawId | int, said: Saying) -> Appended:
        """Append an opt-out of somebody erased for those known by another spelling, who may be the same person."""
        others = subjects_alike(self._transaction, who) if isinstance(who, RawId) and said.type in OPT_OUTS else ()
        one = passed(said)
        done = [self.append(other, one) for other in others if not self._said_before(other, self.settle(other, one))]
        if not done:
            raise Suppressed
        return done[0]

    def _echo(self, subject: int, said: Saying, statement: Statement) -> int:
        """Append what somebody else said, as said of this person too: under the law of what it ends of theirs."""
        said = self.settle(subject, said)
        if said.type in LIMITING:
            self._append_besides(subject, subject, said, statement)
        return self._write(subject, said, statement)

    def _write(
        self, subject: int, said: Saying, statement: Statement, key: str | None = None, *, returning: bool = False
    ) -> int:
        """Append what was checked, and what the law lets follow from it."""
        rules = self._rules_of_erasure(subject, said, statement)
        body = self._envelope(subject, said, statement, key, returning=returning)
        seq = self._transaction.append_person(subject, statement, body)
        if rules is not None:
            # a yes that comes to be known after its no opens one too: before, nobody could know
            at_us = None if statement.type == "grant" else said.at_us
            open_erase_task(
                self._ctx, self._transaction, self.append, subject, rules=rules, occasion=_WITHDRAWAL, at_us=at_us
            )
        return seq

    def _rules_of_erasure(self, subject: int, said: Saying, statement: Statement) -> Rules | None:
        """The rules by which what this ends is erased without being asked for; None where it ends none, or need not."""
        rules = self.laws.certain(said) if said.type in _OF_CONSENT else None
        if rules is None or _WITHDRAWAL not in rules.erase_on:
            return None
        history, now_us = self._entries_of(subject), self._transaction.now_us
        return rules if consent_ends(statement, history, noted=_WITHDRAWAL, now_us=now_us) else None

    def _append_besides(self, who: RawId | int, subject: int, said: Saying, statement: Statement) -> None:
        """Append what else such a no means: its other half, and a withdrawal of each yes that it would miss."""
        half = said_besides(said, self._case(said))
        if half is not None and not self._said_before(subject, half):
            self.append(who, half)
        alike = subjects_alike(self._transaction, who) if isinstance(who, RawId) else []
        for other in dict.fromkeys((subject, *alike)):
            for purpose in missed(said, statement, self._transaction.history(other), self._purposes):
                self.append(other, withdrawal(said, statement, purpose))

    def _said_before(self, subject: int, said: Saying) -> bool:
        statement = self.statement(said, self._transaction.history(subject))
        return any(entry.statement == statement for entry in self._transaction.history(subject))

    def notice(self, said: Saying) -> RegisteredNotice | None:
        """The notice a saying rests on; a basis and what takes back or denies rest on none unless they name one.

        A basis that is a notice rests on one always.

        Raises:
            BadInput: there is no such notice, or it does not name the purpose.
        """
        if said.notice is None and said.type not in _RESTS_ON_NOTICE and said.basis not in NOTICE_BASES:
            return None
        return self._shown.choose(said)

    def _envelope(
        self, subject: int, said: Saying, statement: Statement, key: str | None, *, returning: bool
    ) -> dict[str, Json]:
        rules = self.rules(said)
        more = record_fields(
            said,
            statement,
            shown=self.notice(said),
            about=self._shown.choose(said) if said.type == "basis" else None,
            rules=rules,
            purposes=self._purposes,
            history=self._transaction.history(subject) if statement.type == "withdraw" else (),
        )
        return envelope(
            self._ctx,
            type_=statement.type,
            event_us=said.at_us,
            purpose=said.purpose,
            channel=said.channel,
            recorded_us=self._transaction.now_us,
            surface=self._surface,
            idempotency_key=key,
            regimes=rules.names,
            jurisdiction=self.place(said),
            house=self._house,
            more=more | ({"returning": True} if returning else {}) | dict(said.more),
        )

    def _entries_of(self, who: RawId | int) -> Sequence[PersonEntry]:
        subject = self._transaction.find_subject(who) if isinstance(who, RawId) else who
        return () if subject is None else self._transaction.history(subject)

    def _subject(self, who: RawId | int, said: Saying, *, returning: bool) -> int:
        if isinstance(who, int):
            return who
        if said.type not in _OF_THE_KNOWN:
            return self._transaction.subject_for(who, returning=returning)
        subject = self._transaction.find_subject(who)
        if subject is None:
            raise BadInput("nobody is known by this identifier", where="identifier", mend="look at how it is spelt")
        return subject

    def _returned_us(self, subject: int) -> int:
        """When a person who was erased came back; 0 where nobody was."""
        history = self._transaction.history(subject)
        return history[0].statement.at_us if history and history[0].payload.get("returning") is True else 0
