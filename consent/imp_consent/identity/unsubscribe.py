"""The token in an unsubscribe link: whose permission for which purpose on which channel a click ends.

It is sealed, not signed: nobody without the key reads a person, a purpose or a channel in it, and tokens of one
length differ in nothing that tells of people. It is the letter u, so that none looks like an option of a command line,
and then, in base64url without padding (RFC 4648 §5):

    key id (4 bytes) ‖ AES-SIV (RFC 5297) of: subject (8) ‖ issued, UTC microseconds (8) ‖ names (36, 72 or 108)

under HKDF(k_channel, "unsubscribe"), with the format's name and the key id as associated data. `names` is
"purpose channel", filled up and read as base64 of 48, 96 or 144 letters, so that a token has 97, 145 or 193. It opens
as long as the key exists, active or retired.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from imp_consent.identity.keys import Key, Keyring
from imp_consent.identity.secrets import hkdf
from imp_core.errors import BadInput, KeysUnusable

__all__ = ["Unsubscribe", "open_token", "seal_token"]

_FORMAT: Final = b"imp-unsubscribe/1"
_KEY = "channel"
_ID, _NUMBER = 4, 8
_MARK: Final = "u"
_TOKEN: Final = re.compile(rf"{_MARK}(?:[A-Za-z0-9_-]{{4}}){{24,48}}")
_NAME: Final = re.compile(r"[a-z0-9_.-]{1,64}")
# Names hold 39 letters, the space between them and the filling are two more: all are letters of base64.
_STEP: Final = 48
_FILLING: Final = "="
_TO_BASE64: Final = str.maketrans({".": "+", "_": "/", "-": "A", " ": "B", _FILLING: "C"})
_FROM_BASE64: Final = str.maketrans({letter: chr(was) for was, letter in _TO_BASE64.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe:
    """What a token says: the subject's number, the purpose and channel it withdraws, and when it was issued."""

    subject: int = field(repr=False)
    purpose: str
    channel: str
    issued_us: int


def seal_token(channel_key: Key, *, subject: int, purpose: str, channel: str, issued_us: int) -> str:
    """The token that withdraws a subject's permission for a purpose on a channel: fewer than 200 characters of a URL.

    Equal arguments give equal tokens.

    Raises:
        BadInput: the purpose or the channel has a name that no record of consent could have.
    """
    for name, value in (("purpose", purpose), ("channel", channel)):
        if not _NAME.fullmatch(value):
            raise BadInput(
                f"not a name of a {name}", mend="lower-case letters, digits, '.', '_', '-'; at most 64", where=name
            )
    names = f"{purpose} {channel}"
    filled = names.ljust(-(-len(names) // _STEP) * _STEP, _FILLING)
    plain = subject.to_bytes(_NUMBER, "big") + issued_us.to_bytes(_NUMBER, "big")
    plain += base64.b64decode(filled.translate(_TO_BASE64))
    key_id = bytes.fromhex(channel_key.id)
    sealed = _cipher(channel_key).encrypt(plain, [_FORMAT, key_id])
    return _MARK + base64.urlsafe_b64encode(key_id + sealed).decode()


def open_token(keyring: Keyring, token: str) -> Unsubscribe:
    """What a token of this ledger says.

    Raises:
        BadInput: it is not one, or was changed on the way. It is not repeated.
    """
    refusal = BadInput(
        "not an unsubscribe token of this ledger", mend="copy the whole link, as it was sent", where="token"
    )
    if not _TOKEN.fullmatch(token):
        raise refusal
    data = base64.urlsafe_b64decode(token.removeprefix(_MARK))
    key_id, sealed = data[:_ID], data[_ID:]
    try:
        plain = _cipher(keyring.by_id(_KEY, key_id.hex())).decrypt(sealed, [_FORMAT, key_id])
    except (KeysUnusable, InvalidTag):
        raise refusal from None
    names = base64.b64encode(plain[2 * _NUMBER :]).decode().translate(_FROM_BASE64)
    purpose, _, channel = names.rstrip(_FILLING).partition(" ")
    return Unsubscribe(
        subject=int.from_bytes(plain[:_NUMBER], "big"),
        purpose=purpose,
        channel=channel,
        issued_us=int.from_bytes(plain[_NUMBER : 2 * _NUMBER], "big"),
    )


def _cipher(key: Key) -> AESSIV:
    return AESSIV(hkdf(key.secret, b"unsubscribe"))
