"""What the log's leaves and payloads say.

A person's leaf is `{v, link, commit, day}` and nothing else: once the subject's key is gone, no leaf can be linked to
another or to anyone. What a decision needs (`Statement`) is committed to, `commit = SHA-256(blind ‖ statement)`; it and
the envelope lie encrypted in the payload. A system entry's leaf is plain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from imp_consent.ledger.encoding import MAX_BYTES, decode, encode
from imp_core.errors import BadInput, LedgerBroken
from imp_core.ports import Json, SystemEntry

__all__ = [
    "EVERY_CHANNEL",
    "EVERY_PURPOSE",
    "GUARDIAN_ERASED",
    "PERSON_TYPES",
    "SYSTEM_TYPES",
    "PersonEntry",
    "Statement",
    "commitment",
    "commitment_to",
    "encode_statement",
    "format_system_leaf",
    "parse_payload",
    "parse_system_leaf",
    "payload_with",
    "person_leaf",
]

EVERY_PURPOSE: Final = "*"
EVERY_CHANNEL: Final = ""
GUARDIAN_ERASED: Final = "erased"  # what stands for a guardian's pseudonym once they were erased
PERSON_TYPES: Final = frozenset(
    {
        "grant", "refuse", "withdraw", "object", "restrict", "limit-sensitive", "lift", "basis", "guardian", "minor",
        "signal", "correction", "link", "unlink", "request", "erase-requested", "lost",
    }
)  # fmt: skip
SYSTEM_TYPES: Final = frozenset(
    {
        "policy", "notice", "experiment", "plugin-enable", "collect", "use-open", "use-close", "send-intent",
        "send-close", "key", "erased", "restore", "import", "export", "access-request", "compact", "request", "answer",
        "approval", "retention",
    }
)  # fmt: skip
_VERSION = 1
_SMALL: Final = 2**53
_FIRST: Final = frozenset({"type", "purpose", "channel", "at", "until", "notice"})
_quote: Final = json.encoder.encode_basestring


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The fields of a person's entry that a decision needs. Times are UTC microseconds.

    `purpose` "*" covers every purpose, `channel` "" every channel; `until_us` None never expires; `notice` is the
    SHA-256 of the notice shown. The fields after it are left out of the statement's JSON while they say nothing:

    - `covers`: the purposes below `purpose` that the notice lists, which a grant covers too.
    - `traits`: of a grant or basis, the traits of its purpose then; of an objection, a limit or a signal, the traits it
      closes, none being everything in its purpose.
    - `consent`: of a grant, "explicit" or "separate"; None is "expressed". Of a minor, the kind that a yes has to be.
    - `bundled`: one act said yes to several purposes at once.
    - `informed`: of a grant, that it was given after notice of the signal it conflicts with.
    - `by`: "guardian", where it was not the person who acted.
    - `basis`: of a basis other than consent, its kind.
    - `lifts`: the type of entry that a lift ends.
    - `needs`: of a minor, "guardian" (a guardian's authorisation), "own" (the person's own yes), "both" or "nobody"
      (no yes counts); of a guardian's grant, "guardian" where it holds only for as long as one is needed.
    - `corrects`: of a correction, the seq of the person's entry that was wrong and says nothing from now on.
    """

    type: str
    purpose: str
    channel: str
    at_us: int
    until_us: int | None = None
    notice: str | None = None
    covers: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    consent: str | None = None
    bundled: bool = False
    informed: bool = False
    by: str | None = None
    basis: str | None = None
    lifts: str | None = None
    needs: str | None = None
    corrects: int | None = None

    def plain(self) -> dict[str, Json]:
        """The statement as JSON."""
        more: dict[str, Json] = {
            "covers": list(self.covers),
            "traits": list(self.traits),
            "consent": self.consent,
            "bundled": self.bundled,
            "informed": self.informed,
            "by": self.by,
            "basis": self.basis,
            "lifts": self.lifts,
            "needs": self.needs,
        }
        return {
            "type": self.type,
            "purpose": self.purpose,
            "channel": self.channel,
            "at": self.at_us,
            "until": self.until_us,
            "notice": self.notice,
            **{name: value for name, value in more.items() if value},
            **({} if self.corrects is None else {"corrects": self.corrects}),
        }

    @property
    def is_plain(self) -> bool:
        """Whether it says nothing that its JSON leaves out."""
        return not (
            self.covers
            or self.traits
            or self.consent
            or self.bundled
            or self.informed
            or self.by
            or self.basis
            or self.lifts
            or self.needs
            or self.corrects is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonEntry:
    """A person's entry, opened: its place, whose it is, what a decision needs and the whole envelope."""

    seq: int
    subject: int
    statement: Statement
    payload: Mapping[str, Json]


def encode_statement(statement: Statement) -> bytes:
    """The canonical JSON of a statement: `encode(statement.plain())`, in less than half of its time.

    Raises:
        BadInput: outside the canonical profile.
    """
    s, at_us, until_us = statement, statement.at_us, statement.until_us
    small = -_SMALL < at_us < _SMALL and (until_us is None or -_SMALL < until_us < _SMALL)
    if not small or (s.corrects is not None and not -_SMALL < s.corrects < _SMALL):
        return encode(s.plain())  # which refuses
    notice = "null" if s.notice is None else _quote(s.notice)
    type_, end = _quote(s.type), "null" if until_us is None else until_us
    if s.is_plain:
        begin = f'{{"at":{at_us},"channel":{_quote(s.channel)}'
        text = f'{begin},"notice":{notice},"purpose":{_quote(s.purpose)},"type":{type_},"until":{end}}}'
    else:
        # the keys in their order (RFC 8785 §3.2.3), those that say nothing left out
        text = (
            f'{{"at":{at_us}{_said("basis", s.basis)}{_flag("bundled", s.bundled)}{_said("by", s.by)},'
            f'"channel":{_quote(s.channel)}{_said("consent", s.consent)}{_number("corrects", s.corrects)}'
            f"{_list('covers', s.covers)}{_flag('informed', s.informed)}{_said('lifts', s.lifts)}"
            f'{_said("needs", s.needs)},"notice":{notice},"purpose":{_quote(s.purpose)}{_list("traits", s.traits)},'
            f'"type":{type_},"until":{end}}}'
        )
    if len(text) > MAX_BYTES or not text.isascii():
        return encode(s.plain())  # as above
    return text.encode()


def _said(name: str, word: str | None) -> str:
    return f',"{name}":{_quote(word)}' if word else ""


def _flag(name: str, holds: bool) -> str:  # noqa: FBT001 (private, and the value is what it is about)
    return f',"{name}":true' if holds else ""


def _number(name: str, number: int | None) -> str:
    return "" if number is None else f',"{name}":{number}'


def _list(name: str, words: Sequence[str]) -> str:
    return f',"{name}":[{",".join(map(_quote, words))}]' if words else ""


def commitment(blind: bytes, statement: Statement) -> bytes:
    """SHA-256(blind ‖ canonical JSON of the statement): binds without telling."""
    return commitment_to(blind, encode_statement(statement))


def commitment_to(blind: bytes, said: bytes) -> bytes:
    """The same, of the statement's canonical JSON."""
    return hashlib.sha256(blind + said).digest()


def person_leaf(*, link: bytes, commit: bytes, day: int) -> bytes:
    """The leaf of a person's entry; `day` is the UTC day since 1970 on which it was recorded."""
    # canonical as it stands: keys in order, hexadecimal digits, a small number
    return f'{{"commit":"{commit.hex()}","day":{day},"link":"{link.hex()}","v":{_VERSION}}}'.encode()


def payload_with(said: bytes, envelope: Mapping[str, Json]) -> bytes:
    """The plain text of a payload, from the statement's canonical JSON and the envelope.

    Raises:
        BadInput: outside the canonical profile, or longer than an entry may be.
    """
    data = b'{"e":%b,"s":%b}' % (encode(envelope), said)  # the bytes of `encode({"e": envelope, "s": statement})`
    if len(data) > MAX_BYTES:
        raise BadInput(f"{len(data)} bytes of canonical JSON", mend=f"an entry holds at most {MAX_BYTES} bytes")
    return data


def parse_payload(data: bytes, *, seq: int, subject: int) -> PersonEntry:
    """Read a payload's plain text.

    Raises:
        LedgerBroken: it is not one.
    """
    try:
        document: Any = decode(data)
        fields, envelope = document["s"], document["e"]
        statement = Statement(
            type=fields["type"],
            purpose=fields["purpose"],
            channel=fields["channel"],
            at_us=fields["at"],
            until_us=fields["until"],
            notice=fields["notice"],
            **_further(fields),
        )
    except (KeyError, TypeError):
        raise LedgerBroken("a payload without its fields", where=f"entry {seq}") from None
    return PersonEntry(seq=seq, subject=subject, statement=statement, payload=envelope)


def _further(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a statement says beyond its first six fields; none of them is there in most.

    Raises:
        TypeError: a field that no statement has.
    """
    more = {name: value for name, value in fields.items() if name not in _FIRST}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in more.items()}


def format_system_leaf(type_: str, *, at_us: int, actor: str, fields: Mapping[str, Json]) -> bytes:
    """The leaf of a system entry.

    Raises:
        BadInput: outside the canonical profile, or longer than an entry may be.
    """
    return encode({"v": _VERSION, "type": type_, "at": at_us, "actor": actor, "fields": fields})


def parse_system_leaf(leaf: bytes, *, seq: int) -> SystemEntry | None:
    """Read a system entry's leaf; None for a person's.

    Raises:
        LedgerBroken: it is neither.
    """
    document = decode(leaf)
    if not isinstance(document, dict):
        raise LedgerBroken("a leaf without its fields", where=f"entry {seq}")
    if "link" in document:
        return None
    type_, at_us, actor, fields = (document.get(name) for name in ("type", "at", "actor", "fields"))
    # a bool is an int to Python
    if not (isinstance(type_, str) and type(at_us) is int and isinstance(actor, str) and isinstance(fields, dict)):
        raise LedgerBroken("a leaf without its fields", where=f"entry {seq}")
    return SystemEntry(seq=seq, type=type_, at_us=at_us, actor=actor, fields=fields)
