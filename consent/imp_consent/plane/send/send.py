"""A whole send: window by window through the audience, chunk by chunk to the channel, the deferred once more later.

At most once for each person: the message's key is in the ledger before anybody is reached, and whoever is in doubt is
listed and left alone. Addresses are in memory only: of one window of the audience, and of those who wait for another
try.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from imp_consent.ledger.delivery import Outcome
from imp_consent.plane.intake import Intake
from imp_consent.plane.send.candidate import AudienceRow, Candidate, Screen, Tally
from imp_consent.plane.send.chunk import Carrier, Sent, send_chunk
from imp_consent.plane.send.expose import expose
from imp_core.channel import DeliveryStatus
from imp_core.event import RowFault
from imp_core.ports import ExperimentTerms

__all__ = ["CHUNK", "WINDOW", "Sender", "windows"]

CHUNK: Final = 500  # the most that one send-intent names (`DATA.md`)
WINDOW: Final = 5_000
_TRIES: Final = 5
_BREAKER: Final = 3  # so many broken chunks in a row stop the send
_PROBLEMS: Final = 10  # kept for the answer
_VETOED: Final = "vetoed"


@dataclass
class Sender:
    """Sends to the candidates that a screen lets through; the tally says what became of everybody."""

    carrier: Carrier
    screen: Screen
    tally: Tally
    intake: Intake
    terms: ExperimentTerms | None
    rows: int
    vetoed: Callable[[int], bool]
    advance: Callable[[int], None] = lambda _: None
    problems: list[str] = field(default_factory=list)
    stopped: bool = False
    _waiting: list[Candidate] = field(default_factory=list)
    _broken: int = 0

    def send(self, audience: Iterable[AudienceRow | RowFault]) -> None:
        """Send to a whole audience.

        Raises:
            BadInput: the audience cannot be read to its end.
            LedgerBroken: the ledger was changed by other hands, or cannot be written.
        """
        for window in windows(audience):
            if self.stopped:
                self._not_reached(window)
                continue
            with self.carrier.log.read() as reader:
                found = self.screen.candidates(reader, window)
            found, self._waiting = [*found, *self._waiting], []
            self._chunks(found)
            self.advance(len(window))
        while self._waiting and not self.stopped:
            again, self._waiting = self._waiting, []
            wait = self.carrier.backoff.delay(min(item.attempts for item in again))
            self.carrier.stopwatch.sleep(wait)
            self._chunks(again)
        for item in self._waiting:
            self._give_up(item)
        self._waiting = []

    def _chunks(self, found: Sequence[Candidate]) -> None:
        for start in range(0, len(found), self.rows):
            chunk = found[start : start + self.rows]
            if self.stopped:
                self._waiting.extend(chunk)
            elif self.vetoed(len(chunk)):
                self.tally.refused[_VETOED] += len(chunk)
            else:
                self._chunk(chunk)

    def _chunk(self, chunk: Sequence[Candidate]) -> None:
        going = [item for item in chunk if item.content is not None]
        self.carrier.pace(len(going))
        if self.terms is not None:
            self.tally.exposed += expose(self.intake, self.carrier.campaign, self.terms, chunk)
        self.tally.held_out += len(chunk) - len(going)
        if going:
            self._note(send_chunk(self.carrier, going, self.tally), len(going))

    def _note(self, sent: Sent, size: int) -> None:
        self._broken = self._broken + 1 if sent.problem else 0
        if sent.problem and len(self.problems) < _PROBLEMS and sent.problem not in self.problems:
            self.problems.append(sent.problem)
        self.stopped |= sent.stop or self._broken >= _BREAKER
        # Who was only not reached in time has not failed, as long as the chunk came forward at all.
        moved = len(sent.deferred) < size
        for item in sent.deferred:
            tried = item.again(counted=item.key.hex() in sent.attempted or not moved)
            if tried.attempts < _TRIES:
                self._waiting.append(tried)
            else:
                self._give_up(tried)

    def _give_up(self, item: Candidate) -> None:
        code = item.before.code if item.before else None
        self.tally.settle(item, Outcome(DeliveryStatus.DEFERRED, code))

    def _not_reached(self, window: Sequence[AudienceRow | RowFault]) -> None:
        """After a stop the rest of the audience is only counted."""
        self.tally.audience += len(window)
        faults = sum(isinstance(row, RowFault) for row in window)
        self.tally.malformed += faults
        self.tally.sent[DeliveryStatus.DEFERRED] += len(window) - faults


def windows(audience: Iterable[AudienceRow | RowFault]) -> Iterator[list[AudienceRow | RowFault]]:
    """The audience in windows; each is let go before the next is read."""
    rows = iter(audience)
    while window := list(islice(rows, WINDOW)):
        yield window
        window.clear()
