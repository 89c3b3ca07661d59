"""Suppression: whoever was erased gets no new subject until they come back themselves (DATA.md, erasure, step 5).

At erasure the loose tokens of a person's identifiers move to `suppression`. A token is a keyed hash of the loosest
spelling, so that another spelling of the same address is met too. Only a new verified consent of the person lifts it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from imp_consent.identity.keys import Keyring
from imp_consent.identity.pseudonym import loose_token_under
from imp_consent.ledger.sealed import Sealed
from imp_core.errors import CheckFailed
from imp_core.event import RawId

__all__ = ["Suppressed", "is_suppressed", "lift", "loose_tokens", "suppress"]

_TABLE: Final = "suppression"


class Suppressed(CheckFailed):
    """The person was erased: nobody records anything about them again unless they come back (exit code 1)."""

    def __init__(
        self,
        what: str = "this person was erased: nothing is recorded about them again",
        *,
        where: str = "identifier",
        mend: str = "if they gave consent anew themselves: imp consent record … --state given --returning",
    ) -> None:
        super().__init__(what, where=where, mend=mend)


def loose_tokens(keyring: Keyring, normalised: RawId) -> list[bytes]:
    """The tokens a person may be suppressed under, one for each suppression key: none is ever retired."""
    return [loose_token_under(keyring, key, normalised) for key in keyring.every("supp")]


def is_suppressed(sealed: Sealed, keyring: Keyring, normalised: RawId) -> bool:
    """Whether somebody of this identifier, in whatever spelling, was erased.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    tokens = loose_tokens(keyring, normalised)
    return any(True for _ in sealed.select(_TABLE, _any_of(tokens), tokens))


def lift(sealed: Sealed, keyring: Keyring, normalised: RawId) -> list[bytes]:
    """Take the suppression of an identifier back; returns the tokens that were removed."""
    tokens = loose_tokens(keyring, normalised)
    lifted = [bytes(row[0]) for row in sealed.select(_TABLE, _any_of(tokens), tokens)]  # type: ignore[arg-type]  # the column's type
    for token in lifted:
        sealed.delete(_TABLE, "token = ?", (token,))
    return lifted


def suppress(sealed: Sealed, tokens: Iterable[bytes]) -> list[bytes]:
    """Add tokens; returns those that were not there."""
    new = [token for token in dict.fromkeys(tokens) if not _holds(sealed, token)]
    sealed.insert(_TABLE, [(token,) for token in new])
    return new


def _holds(sealed: Sealed, token: bytes) -> bool:
    return any(True for _ in sealed.select(_TABLE, "token = ?", (token,)))


def _any_of(tokens: list[bytes]) -> str:
    return f"token IN ({', '.join('?' * len(tokens))})"
