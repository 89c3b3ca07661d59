"""What a row of the inbox holds of an event: its row of the archive as JSON, sealed under its subject's own key.

    with a subject      nonce (12 bytes) ‖ AES-256-GCM(HKDF(K_s, "inbox"), nonce, JSON, event id as associated data)
    without one         the JSON itself

JSON is canonical (sorted keys, no spaces, UTF-8) and leaves out what is null, the event id and subject that stand in
the row beside, and the batch and row numbers that the event does not have yet. So an erasure, which destroys K_s, takes
what is in backups with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidTag

from imp_consent.identity.secrets import SubjectSecrets
from imp_core.errors import LedgerBroken

__all__ = ["NONCE_LENGTH", "TALLY", "open_event", "seal_event", "tally_id"]

NONCE_LENGTH: Final = 12
# The one key of a body that is no event: what a channel's inbox did not keep, counted until the next compaction.
TALLY: Final = "tally"
_ID_LENGTH = 16


def seal_event(event_id: bytes, row: Mapping[str, object], *, secrets: SubjectSecrets | None, nonce: bytes) -> bytes:
    """The body of an event; `secrets` are its subject's, `nonce` is fresh."""
    plain = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return plain if secrets is None else nonce + secrets.inbox.encrypt(nonce, plain, event_id)


def open_event(event_id: bytes, body: bytes, *, secrets: SubjectSecrets | None) -> dict[str, Any]:
    """The row behind `seal_event`.

    Raises:
        LedgerBroken: it was not sealed for this event and subject, or is no row.
    """
    try:
        if secrets is not None:
            body = secrets.inbox.decrypt(body[:NONCE_LENGTH], body[NONCE_LENGTH:], event_id)
        row = json.loads(body)
    except (InvalidTag, ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise LedgerBroken("an event of the inbox does not open", where="inbox", mend="run: imp audit verify")
    return row


def tally_id(channel: str) -> bytes:
    """The primary key of a channel's tally; no event's id, which is a keyed hash, equals it but by chance (2^-128)."""
    return hashlib.sha256(b"imp-inbox-tally/1\n" + channel.encode()).digest()[:_ID_LENGTH]
