"""One key: its purpose, id, epoch, state and secret; and the document it is kept as."""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from imp_core.errors import KeysUnusable

__all__ = ["FIXED", "LENGTH", "PURPOSES", "Key", "KeyState", "format_key", "new_key", "parse_key"]

_FORMATS: Final = ("imp-key/1", "imp-key/2")  # the second knows created_us, wraps and public
LENGTH: Final = 32
_ID: Final = re.compile(r"[A-Za-z0-9_]{1,40}")

# What each key is for. `pepper` also carries its epoch, the number under which pseudonyms are found.
PURPOSES: Final = ("pepper", "kek", "row", "event", "channel", "idem", "supp", "sign")
# Keys that stay for good, and what hangs on each.
FIXED: Final = {
    "event": "the ids by which an event is known to be there already are made with it",
    "channel": "channels know people by names made with it, and unsubscribe links are sealed with it",
    "idem": "a message that was sent is known by an id made with it, and would be sent again",
}


class KeyState(StrEnum):
    """What a key is good for.

    `staged`: written for a rotation that is not committed yet. `active`: in use. `retired`: nothing new is made with
    it; what was made with it is still found and checked.
    """

    STAGED = "staged"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One secret of 32 bytes; it never shows its bytes.

    `epoch` numbers the keys of one purpose from 1; `created_us` is None for a key of an imp that did not write it down;
    `wraps` are the ids of the keys whose results this one hashes again, the one before it first. A retired signing
    key has lost its secret and kept `public`, the Ed25519 public key (32 bytes).
    """

    purpose: str
    id: str
    epoch: int
    state: KeyState
    secret: bytes = field(repr=False)
    created_us: int | None = None
    wraps: tuple[str, ...] = ()
    public: bytes | None = None

    @property
    def name(self) -> str:
        """What a store keeps it under."""
        return f"{self.purpose}-{self.id}"

    def in_state(self, state: KeyState) -> Key:
        """The same key in another state."""
        return self if self.state is state else replace(self, state=state)

    def without_secret(self) -> Key:
        """A signing key that can only verify any more."""
        return replace(self, state=KeyState.RETIRED, secret=b"", public=self.public or _public(self.secret))


def new_key(purpose: str, *, epoch: int, state: KeyState, created_us: int | None, wraps: Sequence[str] = ()) -> Key:
    """A key that nobody had before, its secret from the operating system."""
    return Key(
        purpose=purpose,
        id=secrets.token_hex(4),
        epoch=epoch,
        state=state,
        secret=secrets.token_bytes(LENGTH),
        created_us=created_us,
        wraps=tuple(wraps),
    )


def format_key(key: Key, log_id: str) -> bytes:
    """The document a store keeps: JSON, the secret in base64."""
    document = {
        "format": _FORMATS[-1],
        "log_id": log_id,
        "purpose": key.purpose,
        "id": key.id,
        "epoch": key.epoch,
        "state": key.state.value,
        "created_us": key.created_us,
        "wraps": list(key.wraps),
        "public": None if key.public is None else base64.b64encode(key.public).decode(),
        "secret": base64.b64encode(key.secret).decode(),
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def parse_key(data: bytes, log_id: str, *, where: str) -> Key:
    """Read `format_key`, of this version or the first.

    Raises:
        KeysUnusable: it is not a key, or one of another ledger; `where` says which.
    """
    try:
        document: dict[str, Any] = json.loads(data)
        key = Key(
            purpose=document["purpose"],
            id=document["id"],
            epoch=document["epoch"],
            state=KeyState(document["state"]),
            secret=base64.b64decode(document["secret"], validate=True),
            created_us=document.get("created_us"),
            wraps=tuple(document.get("wraps", ())),
            public=_optional_bytes(document.get("public")),
        )
        known = document["format"] in _FORMATS and _is_sound(key)
        owner = document["log_id"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        known, owner = False, log_id
    if not known:
        raise KeysUnusable("not a key file", where=where, mend="restore the keys from their own backup")
    if owner != log_id:
        raise KeysUnusable("a key of another ledger", where=where, mend="set IMP_KEYS to this ledger's folder")
    return key


def _is_sound(key: Key) -> bool:
    # what JSON holds may have any type
    named = key.purpose in PURPOSES and type(key.id) is str and bool(_ID.fullmatch(key.id))
    numbers = type(key.epoch) is int and type(key.created_us) in (int, type(None))
    return named and numbers and all(type(other) is str for other in key.wraps) and _has_its_bytes(key)


def _has_its_bytes(key: Key) -> bool:
    if key.public is not None and len(key.public) != LENGTH:
        return False
    if key.purpose == "sign" and key.state is KeyState.RETIRED and not key.secret:
        return key.public is not None
    return len(key.secret) == LENGTH


def _optional_bytes(text: Any) -> bytes | None:  # noqa: ANN401 (from JSON)
    return None if text is None else base64.b64decode(text, validate=True)


def _public(seed: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 (rarely needed)

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
