"""Channels that take the silence of a peer, which has the message, for an answer."""

from __future__ import annotations

from dataclasses import replace

from stranger_mail.good import FIXTURES, Mail
from stranger_mail.registry import fails

from imp_core.channel import DeliveryStatus, Permanent, RateLimited, Retryable, RowStatus


@fails("test_a_row_the_peer_has_and_never_answered_is_in_doubt")
def silence_is_consent():
    class Hasty(Mail):
        seconds = 0.3

        def unanswered(self, row):
            return RowStatus(key=row.key, status=DeliveryStatus.ACCEPTED)

    return Hasty, replace(FIXTURES, deadline=5.0)


@fails("test_a_row_the_peer_has_and_never_answered_is_in_doubt")
def silence_is_not_yet():
    class Impatient(Mail):
        seconds = 0.3

        def unanswered(self, row):
            if self.hung_up:
                return super().unanswered(row)
            return RowStatus(key=row.key, status=DeliveryStatus.DEFERRED, code="no-answer")

        def call(self, ctx, method, path, message=None, key="", host=None):
            self.hung_up = True
            try:
                return super().call(ctx, method, path, message, key, host)
            except TimeoutError:
                self.hung_up = False
                raise

    return Impatient, replace(FIXTURES, deadline=5.0)


for _status in (DeliveryStatus.DEFERRED, DeliveryStatus.REFUSED, DeliveryStatus.FAILED, DeliveryStatus.ACCEPTED):

    def _says(self, row, status=_status):
        return RowStatus(key=row.key, status=status, code="no-answer")

    fails("test_a_row_the_peer_has_and_never_answered_is_in_doubt")(
        type(f"HungUpIs{_status.name.title()}", (Mail,), {"unanswered": _says})
    )

for _error in (Retryable, RateLimited, Permanent):

    def _raises(self, row, error=_error):
        raise error("no-answer")

    fails("test_a_row_the_peer_has_and_never_answered_is_in_doubt")(
        type(f"HungUpRaises{_error.__name__}", (Mail,), {"unanswered": _raises})
    )


@fails("test_a_row_the_peer_has_and_never_answered_is_in_doubt")
class NotesTheLostAsSent(Mail):
    def send(self, ctx, batch, row):
        self.hung = getattr(self, "hung", False)
        if self.hung:
            return RowStatus(key=row.key, status=DeliveryStatus.ACCEPTED)
        return super().send(ctx, batch, row)

    def unanswered(self, row):
        self.hung = True
        return super().unanswered(row)
