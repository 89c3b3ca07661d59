"""Signed notes as of C2SP signed-note, with Ed25519 keys (signature type 0x01).

    If you think cryptography is the answer to your problem,
    then you don't know what your problem is.

    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=

The text ends with a newline and is what is signed; a blank line follows, then one line for each signature: em dash,
key name, base64(key id ‖ signature). `tests/consent/ledger/test_note.py` holds Go's vectors.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from imp_core.errors import BadInput, ImpError, LedgerBroken

__all__ = ["Note", "Signature", "SigningKey", "VerifierKey", "open_note", "sign_note", "unbase64"]

_ED25519: Final = b"\x01"
_ID_SIZE: Final = 4
_KEY_SIZE: Final = 32
_MAX_NOTE: Final = 1_000_000
_MAX_SIGNATURES: Final = 100
_DASH: Final = "\u2014 "


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A named public key; its text form is `<name>+<key id as hex>+<base64(0x01 ‖ public key)>`.

    Raises:
        BadInput: the name is empty or holds a space, a plus or a control character, or the key has not 32 bytes.
    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not _is_name(self.name):
            raise BadInput("a key's name is not empty and has no space, plus or control character")
        if len(self.public) != _KEY_SIZE:
            raise BadInput(f"an Ed25519 public key has {_KEY_SIZE} bytes, not {len(self.public)}")

    @property
    def key_id(self) -> bytes:
        """What a signature line names the key by (4 bytes; C2SP signed-note, "Ed25519 signatures")."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:_ID_SIZE]

    def format(self) -> str:
        """The key's text form."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """A key from its text form.

        Raises:
            BadInput: it has not this form, another algorithm, or its key id is not that of its name and key.
        """
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        data = unbase64(encoded)
        if data is None or data[:1] != _ED25519:
            raise BadInput("not an Ed25519 verifier key", mend="it is written <name>+<key id>+<base64>")
        key = cls(name, data[1:])
        if key.key_id.hex() != key_id:
            raise BadInput("the verifier key's id is not that of its name and key", mend="copy it whole")
        return key

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether this key made this signature of a note's text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A named private key; its `repr` does not show it.

    Raises:
        BadInput: the name cannot be a key's name (see `VerifierKey`).
    """

    name: str
    private: Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        _ = self.verifier  # refuses a bad name

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> SigningKey:
        """A key from its RFC 8032 seed.

        Raises:
            BadInput: the seed has not 32 bytes, or the name cannot be a key's name.
        """
        if len(seed) != _KEY_SIZE:
            raise BadInput(f"an Ed25519 seed has {_KEY_SIZE} bytes, not {len(seed)}")
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, self.private.public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        """The signature of a note's text (64 bytes)."""
        return self.private.sign(text.encode())


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: key name, key id (4 bytes) and the signature itself."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """An opened note: its text, the signatures of known keys (all of them valid), and those of unknown keys."""

    text: str
    verified: tuple[Signature, ...]
    unverified: tuple[Signature, ...]


def sign_note(text: str, *keys: SigningKey) -> str:
    """The note of a text, one signature line a key.

    Raises:
        BadInput: no key, a text that does not end with a newline, or one with control characters.
    """
    if not keys or not _is_text(text) or not text.endswith("\n"):
        raise BadInput("a note's text ends with a newline, has no other control character, and somebody signs it")
    lines = (f"{_DASH}{key.name} {base64.b64encode(key.verifier.key_id + key.sign(text)).decode()}\n" for key in keys)
    return f"{text}\n{''.join(lines)}"


def open_note(note: str | bytes, keys: Iterable[VerifierKey]) -> Note:
    """The text of a note that at least one of the keys has signed; signatures of other keys are ignored.

    Raises:
        LedgerBroken: not a note, no signature of a known key, or a known key's signature that is not valid.
        BadInput: two of the keys share name and key id, but are not the same.
    """
    text, signatures = _parse(_decoded(note))
    known = _by_name(keys)
    verified: dict[tuple[str, bytes], Signature] = {}
    unverified: dict[Signature, None] = {}
    for signature in signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            unverified[signature] = None
        elif not key.verify(text, signature.signature):
            raise LedgerBroken("a note's signature is not valid", where=f"{key.name}+{key.key_id.hex()}")
        else:
            verified[signature.name, signature.key_id] = signature
    if not verified:
        raise LedgerBroken("a note is not signed by any known key")
    return Note(text=text, verified=tuple(verified.values()), unverified=tuple(unverified))


def unbase64(text: str) -> bytes | None:
    """The bytes of standard base64 (RFC 4648 §4) in its one canonical form, or None."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def _decoded(note: str | bytes) -> str:
    try:
        text = note.decode() if isinstance(note, bytes) else note
    except UnicodeDecodeError:
        raise _malformed("it is not UTF-8") from None
    if len(text) > _MAX_NOTE or not _is_text(text):
        raise _malformed("it is too long or holds control characters")
    return text


def _parse(note: str) -> tuple[str, Sequence[Signature]]:
    end = note.rfind("\n\n")  # the text may hold empty lines: the last one separates
    lines = note[end + 2 :].split("\n")
    if end < 0 or len(lines) == 1 or lines.pop() != "":
        raise _malformed("no signature lines after a blank line")
    if len(lines) > _MAX_SIGNATURES:
        raise _malformed(f"more than {_MAX_SIGNATURES} signatures")
    return note[: end + 1], [_signature(line) for line in lines]


def _signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    data = unbase64(encoded)
    if not line.startswith(_DASH) or not space or not _is_name(name) or data is None or len(data) <= _ID_SIZE:
        raise _malformed("a line after the blank line is not a signature")
    return Signature(name, data[:_ID_SIZE], data[_ID_SIZE:])


def _by_name(keys: Iterable[VerifierKey]) -> dict[tuple[str, bytes], VerifierKey]:
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.key_id), key) != key:
            raise BadInput("two verifier keys share one name and key id", where=f"{key.name}+{key.key_id.hex()}")
    return known


def _is_name(name: str) -> bool:
    return bool(name) and _is_text(name) and "+" not in name and not any(char.isspace() for char in name)


def _is_text(text: str) -> bool:
    # a lone surrogate is not UTF-8; below the space only the newline may stand
    return not any((char < " " and char != "\n") or "\ud800" <= char <= "\udfff" for char in text)


def _malformed(why: str) -> ImpError:
    return LedgerBroken(f"not a signed note: {why}")
