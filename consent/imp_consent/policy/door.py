"""The one door through which a person's entry is written: checked, put into words, wrapped in its envelope, appended.

`append_said` writes one; a `Door` writes many in one transaction and reads purposes and notices once.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from imp_consent.identity.normalize import normalise
from imp_consent.ledger.entry import EVERY_CHANNEL, EVERY_PURPOSE, Statement
from imp_consent.ledger.suppression import Suppressed
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.envelope import envelope
from imp_consent.policy.notice import RegisteredNotice, find_notice, newest_notice, read_notices
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.saying import Saying
from imp_core.clock import DAY_US
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId
from imp_core.ports import Json

__all__ = ["Appended", "Door", "append_said"]

# No affirmative act (GDPR 4(11), rec. 32; CJEU C-673/17): such a grant is refused when it is written.
_NO_ACTION: Final = frozenset({"pre_ticked", "scroll", "silence", "continued_use"})
_CHANNEL: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
# Media everybody knows; enabled plugins and [policy] channels of imp.toml add theirs.
_MEDIA: Final = frozenset({"ads", "app", "email", "phone", "post", "push", "sms", "social", "store", "web"})
_SHOWN: Final = frozenset({"grant", "refuse", "basis"})  # what rests on a notice
_MAX_WORDS: Final = 300
_SUPERSEDED: Final = 20


class Appended(NamedTuple):
    """A person's entry that was appended: its number in the ledger and whose it is."""

    seq: int
    subject: int


def append_said(
    ctx: Context,
    transaction: Transaction,
    who: RawId | int,
    said: Saying,
    *,
    surface: str = "command line",
    idempotency_key: str | None = None,
    returning: bool = False,
) -> Appended:
    """Append one person's entry, checked and with its envelope; as `Door.append`, which is for many at once.

    Raises:
        BadInput: it could not be valid. Nothing was appended.
        Suppressed: the person was erased.
    """
    door = Door(ctx, transaction, surface=surface)
    return door.append(who, said, idempotency_key=idempotency_key, returning=returning)


class Door:
    """Appends what people said, inside one transaction. Errors name the field in `where`."""

    def __init__(self, ctx: Context, transaction: Transaction, *, surface: str) -> None:
        self._ctx = ctx
        self._transaction = transaction
        self._surface = surface
        self._purposes = read_purposes(transaction)
        self._notices = read_notices(transaction)
        self._channels = _MEDIA | set(ctx.workspace.plugin_pins) | _own_channels(ctx)
        self._chosen: dict[tuple[str, str | None], RegisteredNotice | None] = {}

    def statement(self, said: Saying) -> Statement:
        """What the saying commits to.

        Raises:
            BadInput: an unknown purpose or notice, a time to come, or a consent that could not be valid.
        """
        self._check(said)
        notice = self.notice(said)
        if said.type == "grant":
            self._check_grant(said, notice)
        until_us = said.until_us
        if said.valid_for_days is not None and said.type != "withdraw":
            until_us = said.at_us + said.valid_for_days * DAY_US
        return Statement(
            type=said.type,
            purpose=said.purpose,
            channel=said.channel,
            at_us=said.at_us,
            until_us=until_us,
            notice=notice.sha256 if notice else None,
            traits=tuple(sorted(said.traits or ())),
            consent=said.consent,
            bundled=said.bundled,
            informed=said.informed,
            by=said.by,
            basis=said.basis,
            lifts=said.lifts,
            needs=said.needs,
            corrects=said.corrects,
        )

    def check(self, raw: RawId, said: Saying) -> None:
        """Look for what `append` would refuse, without appending.

        Raises:
            BadInput: as `append`.
        """
        self.statement(said)
        try:
            normalise(raw)
        except BadInput as error:
            raise _of_the_identifier(error) from None

    def append(
        self, who: RawId | int, said: Saying, *, idempotency_key: str | None = None, returning: bool = False
    ) -> Appended:
        """Append one entry; `who` is an identifier, whose subject is created where nobody was known, or a subject.

        `returning`: by this consent of their own somebody who was erased comes back; the entry says so.

        Raises:
            BadInput: as `statement`, the identifier is malformed, or `returning` without a consent.
            Suppressed: the person was erased, and is not returning; or came back, and gave this consent before that.
        """
        if returning and said.type != "grant":
            raise BadInput("only a consent brings somebody back", where="returning", mend="use it with --state given")
        statement = self.statement(said)
        subject = self._subject(who, returning=returning)
        if statement.type == "grant" and said.at_us < self._returned_us(subject):
            raise Suppressed(
                "this consent is from before the person was erased and came back: it ended with the erasure",
                where="at",
                mend="record what they have said since they came back",
            )
        body = envelope(
            self._ctx,
            type_=statement.type,
            event_us=said.at_us,
            purpose=said.purpose,
            channel=said.channel,
            recorded_us=self._transaction.now_us,
            surface=self._surface,
            idempotency_key=idempotency_key,
            more=self._more(said, statement, subject) | ({"returning": True} if returning else {}) | dict(said.more),
        )
        return Appended(self._transaction.append_person(subject, statement, body), subject)

    def notice(self, said: Saying) -> RegisteredNotice | None:
        """The notice a saying rests on; a withdrawal rests on none unless it names one.

        Raises:
            BadInput: there is no such notice, or it does not name the purpose.
        """
        key = (said.purpose, said.notice)
        if said.notice is None and said.type not in _SHOWN:
            return None
        if key not in self._chosen:
            self._chosen[key] = self._choose(*key)
        return self._chosen[key]

    def _subject(self, who: RawId | int, *, returning: bool) -> int:
        if isinstance(who, int):
            return who
        try:
            return self._transaction.subject_for(who, returning=returning)
        except BadInput as error:
            raise _of_the_identifier(error) from None

    def _choose(self, purpose: str, word: str | None) -> RegisteredNotice | None:
        if word is None:
            return newest_notice(self._notices, purpose)
        found = find_notice(self._notices, word)
        if purpose not in found.notice.purposes:
            raise BadInput("the notice does not name this purpose", where="notice", mend="see: imp consent notice list")
        return found

    def _check(self, said: Saying) -> None:
        every = said.purpose == EVERY_PURPOSE and said.type not in _SHOWN
        if said.purpose not in self._purposes and not every:
            raise BadInput("unknown purpose", where="purpose", mend="see: imp consent purpose list")
        if not 0 <= said.at_us <= self._transaction.now_us:
            problem = "a time to come" if said.at_us > 0 else "a time before 1970"
            raise BadInput(problem, where="at", mend="record what has been said, when it was said")
        if said.channel and not _CHANNEL.fullmatch(said.channel):
            raise BadInput("not a name of a channel", where="channel", mend="lower-case, such as email or sms")
        if said.channel and said.channel not in self._channels:
            # a withdrawal under a misspelt name would stop nothing
            raise BadInput(
                "unknown channel",
                where="channel",
                mend=f'one of {", ".join(sorted(self._channels))}; others go into imp.toml: [policy] channels = ["…"]',
            )
        for name, text in (("action", said.action), ("evidence", said.evidence)):
            if text is not None and not (text.isprintable() and 0 < len(text) <= _MAX_WORDS):
                raise BadInput("not one line of at most 300 characters", where=name)

    def _check_grant(self, said: Saying, notice: RegisteredNotice | None) -> None:
        if said.action in _NO_ACTION:
            raise BadInput(
                "no affirmative action (pre-ticked, scrolled past, silent): no consent was given (GDPR 4(11))",
                where="action",
                mend="record only what people agreed to by an act of their own",
            )
        if notice is None:
            raise BadInput(
                "no notice names this purpose: nobody can have agreed to it",
                where="notice",
                mend="add the notice people were shown: imp consent notice add",
            )

    def _more(self, said: Saying, statement: Statement, subject: int) -> dict[str, Json]:
        notice = self.notice(said)
        more: dict[str, Json] = {"evidence": said.evidence, "affirmative_action": said.action}
        if notice is not None:
            words = notice.notice
            more["notice"] = {
                "name": words.name,
                "version": words.version,
                "language": words.language,
                "sha256": notice.sha256,
            }
            more |= {"data_categories": list(words.data), "recipients": list(words.recipients)}
        if statement.type == "withdraw":
            return more | {"supersedes": self._superseded(said, subject), "steps": said.steps}
        grounds: dict[str, Json] = {"grounds": dict(said.grounds)} if said.grounds else {}
        if statement.type not in _SHOWN:
            return more | grounds
        return (
            more
            | grounds
            | {
                "consent_type": statement.consent or "expressed",
                "bundled": said.bundled,
                "valid_for_days": said.valid_for_days,
                "withdrawal_method": "as the notice says",
            }
        )

    def _returned_us(self, subject: int) -> int:
        """When a person who was erased came back; 0 where nobody was."""
        history = self._transaction.history(subject)
        return history[0].statement.at_us if history and history[0].payload.get("returning") is True else 0

    def _superseded(self, said: Saying, subject: int) -> list[int]:
        """The newest grants that a withdrawal ends."""
        ended = [
            entry.seq
            for entry in self._transaction.history(subject)
            if entry.statement.type == "grant"
            and said.purpose in (EVERY_PURPOSE, entry.statement.purpose)
            and (said.channel in (EVERY_CHANNEL, entry.statement.channel))
            and entry.statement.at_us <= said.at_us
        ]
        return ended[-_SUPERSEDED:]


def _own_channels(ctx: Context) -> set[str]:
    named = ctx.workspace.config.get("policy", {}).get("channels", [])
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise BadInput("[policy] channels is not a list of texts", where="imp.toml")
    return set(named)


def _of_the_identifier(error: BadInput) -> BadInput:
    return BadInput(error.what, where="identifier", mend=error.mend)
