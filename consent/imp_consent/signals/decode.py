"""Strings in which software speaks for a person, and the decoders that read them.

A decoder is registered by the kind of string it reads. A string without a decoder, or one that its decoder does not
read to the end, is an *invalid* signal: it is stored as it came, closes nothing and never opens anything (GDPR 7(1)).

    Decoded(kind, raw) ──▶ decoder@version, valid, fields (the decoded form), asserts ("gpc": no sale, no sharing)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol

from imp_core.errors import BadInput
from imp_core.ports import Json

__all__ = ["KINDS", "MAX_RAW", "Decoded", "Decoder", "Decoders", "Undecodable"]

# Kinds of strings there are. "gpc" is read here; a decoder for the IAB's formats is registered when there is one.
KINDS: Final = ("gpc", "tcf", "gpp")
MAX_RAW: Final = 65_536  # characters that are read
_KEPT: Final = 2_000  # bytes of a string that are kept, as JSON: an entry holds 4 KiB
_NO_DECODER: Final = "no decoder for this kind of string"
_NONE: Final = "none"


class Undecodable(BadInput):
    """A decoder cannot read a string: malformed, of an unknown version, truncated. It says which, never the string."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A string and what a decoder made of it.

    `decoder` and `version` are who read it ("none", "0" where there is no decoder); `fields` the decoded form, empty
    where it is not valid; `asserts` the opt-outs it stands for, named as regimes' `signal_traits` name them; `problem`
    says why it is not valid (None: it is).
    """

    kind: str
    raw: str = field(repr=False)
    decoder: str = _NONE
    version: str = "0"
    fields: Mapping[str, Json] = field(default_factory=dict)
    asserts: frozenset[str] = frozenset()
    problem: str | None = None

    @property
    def valid(self) -> bool:
        """Whether the string says something."""
        return self.problem is None

    def plain(self) -> dict[str, Json]:
        """What the entry keeps of it: the string, or its beginning with the SHA-256 of the whole."""
        kept = _beginning(self.raw)
        whole: dict[str, Json] = {}
        if kept != self.raw:
            whole = {"characters": len(self.raw), "sha256": hashlib.sha256(self.raw.encode()).hexdigest()}
        return {
            "kind": self.kind,
            "raw": kept,
            **whole,
            "decoder": self.decoder,
            "decoder_version": self.version,
            "decoded": dict(self.fields) if self.valid else None,
            "asserts": sorted(self.asserts),
            "valid": self.valid,
            "problem": self.problem,
        }


class Decoder(Protocol):
    """Reads one kind of string. It is strict: what it does not know it refuses, and it never guesses."""

    @property
    def name(self) -> str:
        """Its name, kept with every string it read."""
        ...

    @property
    def version(self) -> str:
        """Its version, likewise."""
        ...

    def decode(self, raw: str) -> tuple[Mapping[str, Json], frozenset[str]]:
        """The decoded form, and the opt-outs the string asserts.

        Raises:
            Undecodable: it is malformed, of an unknown version, truncated, or lacks a section that is needed.
        """
        ...


class Decoders:
    """The decoders there are, by the kind of string they read. It never changes: `plus` gives another."""

    def __init__(self, by_kind: Mapping[str, Decoder]) -> None:
        for kind in by_kind:
            _check_kind(kind)
        self._by_kind = MappingProxyType(dict(by_kind))

    def plus(self, kind: str, decoder: Decoder) -> Decoders:
        """These and one more, which takes the place of another of its kind.

        Raises:
            BadInput: there is no such kind of string.
        """
        return Decoders({**self._by_kind, kind: decoder})

    def decode(self, kind: str, raw: str) -> Decoded:
        """Read a string; where that cannot be done the answer is an invalid signal.

        Raises:
            BadInput: there is no such kind of string, or it is too long or not text that can be kept.
        """
        _check_kind(kind)
        _check_raw(raw)
        decoder = self._by_kind.get(kind)
        if decoder is None:
            return Decoded(kind=kind, raw=raw, problem=_NO_DECODER)
        fields: Mapping[str, Json] = {}
        asserts: frozenset[str] = frozenset()
        problem = None
        try:
            fields, asserts = decoder.decode(raw)
        except Undecodable as error:
            problem = error.what
        except Exception as error:  # noqa: BLE001 (whatever a decoder stumbles over: what it did not read says nothing)
            problem = f"the decoder failed: {type(error).__name__}"
        return Decoded(
            kind=kind,
            raw=raw,
            decoder=decoder.name,
            version=decoder.version,
            fields=fields,
            asserts=asserts,
            problem=problem,
        )


def _beginning(raw: str) -> str:
    while len(json.dumps(raw, ensure_ascii=False).encode()) > _KEPT:
        raw = raw[: min(len(raw) * 3 // 4, _KEPT)]
    return raw


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise BadInput("unknown kind of signal", where="kind", mend=f"one of {', '.join(KINDS)}")


def _check_raw(raw: str) -> None:
    if len(raw) > MAX_RAW:
        raise BadInput(f"longer than {MAX_RAW:,} characters", where="raw", mend="hand in the string alone")
    try:
        raw.encode()
    except UnicodeEncodeError:
        raise BadInput("not text that can be written", where="raw") from None
