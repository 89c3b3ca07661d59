"""Messages that went out before a restore: nobody knows to whom, so nobody is sent that step again by mistake."""

from __future__ import annotations

from imp_consent.ledger.reader import Reader
from imp_core.counting import some
from imp_core.errors import CheckFailed

__all__ = ["refuse_lost"]


def refuse_lost(reader: Reader, *, campaign: str, channel: str, step: str) -> None:
    """Stop a send whose step was sent in entries that a restore lost.

    Raises:
        CheckFailed: it was; to how many is named.
    """
    said = (entry.fields for entry in reader.system_entries("restore"))
    lost = [range(int(str(fields["from"])), int(str(fields["to"]))) for fields in said]
    if not lost:
        return
    wanted = (campaign, channel, step)
    n = sum(
        int(str(entry.fields.get("n", 0)))
        for entry in reader.system_entries("send-intent")
        if tuple(entry.fields.get(name) for name in ("campaign", "channel", "step")) == wanted
        and any(entry.seq in seqs for seqs in lost)
    )
    if n:
        raise CheckFailed(
            f"this step was sent to {some(n, 'person', 'people')} before the ledger was restored, and "
            "nobody knows any more to whom",
            where=f"campaign {campaign}, step {step}",
            mend="send it as a new step; or to all again, whoever had it before: --resend-in-doubt",
        )
