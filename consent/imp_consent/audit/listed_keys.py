"""The verifier keys that go with a checkpoint: the one in use at its size, and those that handed over before."""

from __future__ import annotations

from imp_consent.audit.exported import format_vkeys
from imp_consent.ledger.handover import TrustedKey, trusted_keys
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.signer import signing_key

__all__ = ["listed_keys"]


def listed_keys(reader: Reader, size: int) -> tuple[str, str]:
    """What `log.vkey` and `log.vkey.retired` hold beside a log of `size` entries, whatever was handed over since.

    Raises:
        LedgerBroken: the hand-overs in the log are not those between its signing keys.
    """
    active = signing_key(reader.keyring, reader.keyring.log_id).verifier
    known = trusted_keys([TrustedKey(key=active)], reader.system_entries("key"), origin=active.name)
    newest, *older = known.as_of(size).spans
    return format_vkeys([newest]), format_vkeys(older)
