"""A batch on its way: several connections at once, one message at a time on each.

Threads with smtplib rather than aiosmtplib: `resolve` and `settle` write to a database before they return, which would
block an event loop, and a connection's state is a plain sequence that way. More than eight connections gain nothing:
the interpreter makes and signs the messages one after the other.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Mapping
from typing import Final

from imp_channel_email.compose import Composer, Letter
from imp_channel_email.faults import ConnectionLost, NotTaken, Unsendable
from imp_channel_email.mailbox import Mailbox, parse_mailbox
from imp_channel_email.reply import Verdict
from imp_channel_email.session import Session
from imp_channel_email.setup import Setup
from imp_channel_email.template import Message
from imp_core.channel import (
    AuthInvalid,
    Batch,
    ChannelError,
    DeliveryContext,
    DeliveryStatus,
    NotGranted,
    RateLimited,
    Recipient,
    Retryable,
    RowStatus,
)

__all__ = ["Delivery"]

# So many connections lost one after the other on one worker, and the server is left alone for a while.
_MAX_LOSSES = 3
_STATUS: Final = {
    Verdict.REFUSED: DeliveryStatus.REFUSED,
    Verdict.DEFERRED: DeliveryStatus.DEFERRED,
    Verdict.BROKEN: DeliveryStatus.DEFERRED,
}


class Delivery:
    """Delivers one batch, once. `limited` are rows at which the server asked for fewer messages the last time.

    After `run`, `limited` holds the rows at which it did so this time.
    """

    def __init__(
        self, setup: Setup, ctx: DeliveryContext, batch: Batch, messages: Mapping[str, Message], limited: frozenset[str]
    ) -> None:
        self.limited: frozenset[str] = frozenset()
        self.rows: list[RowStatus] = []
        self._before = limited
        self._setup = setup
        self._ctx = ctx
        self._batch = batch
        self._messages = messages
        self._composer = Composer(settings=setup.settings, signer=setup.signer, batch=batch, now_us=ctx.now_us)
        self._lock = threading.Lock()
        self._waiting = iter(batch.rows)
        self._error: BaseException | None = None

    def run(self) -> None:
        """Send every row, or as many as there are until something stops all.

        Raises:
            Retryable: there is no connection to be had, or too many were lost (`RateLimited`: the server wants fewer).
            AuthInvalid: the server does not accept the credentials, or is not who it should be.
        """
        workers = min(self._setup.settings.connections, len(self._batch.rows))
        # Daemons: a server that never answers must not keep the process from ending.
        threads = [
            threading.Thread(target=contextvars.copy_context().run, args=(self._work,), daemon=True)
            for _ in range(workers - 1)
        ]
        for thread in threads:
            thread.start()
        self._work()
        for thread in threads:
            thread.join()
        if isinstance(self._error, ChannelError):
            # Without the frames and the faults it came from: they hold the address and the message.
            self._error.__context__ = None
            raise self._error.with_traceback(None)
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        worker = _Worker(self._setup)
        try:
            while (row := self._next()) is not None:
                self._send(worker, row)
        except BaseException as error:  # noqa: BLE001 (raised again by `run`, in the thread that was called)
            self._stop(error)
        finally:
            worker.close()

    def _next(self) -> Recipient | None:
        with self._lock:
            return None if self._error is not None else next(self._waiting, None)

    def _stop(self, error: BaseException) -> None:
        with self._lock:
            self._error = self._error or error

    def _send(self, worker: _Worker, row: Recipient) -> None:
        try:
            letter = self._letter(row)
            worker.connect()
            recipient = self._recipient(row)
        except Unsendable as fault:
            return self._settle(row, DeliveryStatus.FAILED, fault.code)
        except NotGranted:
            return self._settle(row, DeliveryStatus.DEFERRED, "not-granted")
        try:
            code = worker.send(recipient, letter.addressed(recipient))
        except Unsendable as fault:
            self._settle(row, DeliveryStatus.FAILED, fault.code)
        except ConnectionLost as lost:
            self._settle(row, DeliveryStatus.IN_DOUBT if lost.taken else DeliveryStatus.DEFERRED, "connection-lost")
            worker.count_loss()
        except NotTaken as no:
            self._not_taken(row, no)
        else:
            self._settle(row, DeliveryStatus.ACCEPTED, code)
        return None

    def _letter(self, row: Recipient) -> Letter:
        link = self._composer.link(row.unsubscribe)
        rendered = self._composer.signed_off(self._messages[row.content].render(row.fields, link))
        return self._composer.compose(rendered, key=row.key, link=link, token=row.unsubscribe)

    def _recipient(self, row: Recipient) -> Mailbox:
        raw = self._ctx.resolve(row.handle, self._batch.purpose)
        try:
            return parse_mailbox(raw.value)
        except ValueError:
            raise Unsendable("address") from None

    def _not_taken(self, row: Recipient, no: NotTaken) -> None:
        if no.verdict is Verdict.UNAUTHORISED:
            raise AuthInvalid(no.code, mend="the server does not let this sender send: look at sender and credentials")
        if no.verdict is Verdict.LIMITED:
            with self._lock:
                self.limited |= {row.key}
            # One person's server may answer so for ever: the second time only that person waits.
            if row.key in self._before:
                self._settle(row, DeliveryStatus.DEFERRED, no.code)
            raise RateLimited(no.code)
        self._settle(row, _STATUS[no.verdict], no.code)

    def _settle(self, row: Recipient, status: DeliveryStatus, code: str) -> None:
        settled = RowStatus(key=row.key, status=status, code=code)
        self._ctx.settle(settled)
        with self._lock:
            self.rows.append(settled)


class _Worker:
    """One connection, opened when it is needed and again when it was lost."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._session: Session | None = None
        self._losses = 0

    def connect(self) -> Session:
        if self._session is None or self._session.closed:
            self._session = Session.open(self._setup)
        return self._session

    def send(self, recipient: Mailbox, message: bytes) -> str:
        sender = self._setup.settings.bounces
        try:
            code = self.connect().send(sender, recipient, message)
        except ConnectionLost as lost:
            if lost.taken:
                raise
            # Nothing was taken: servers close what stood idle, so once more on a new connection.
            code = self.connect().send(sender, recipient, message)
        self._losses = 0
        return code

    def count_loss(self) -> None:
        self._losses += 1
        if self._losses == _MAX_LOSSES:
            raise Retryable("connection-lost")

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
