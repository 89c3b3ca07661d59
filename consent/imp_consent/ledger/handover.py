"""The hand-over from one signing key to the next: a note that both have signed, in the log itself.

    imp signing-key hand-over
    imp.local/3f0a…
    1042
    imp.local/3f0a…+aa6dd6f1+AVhV…
    imp.local/3f0a…+01f9c2de+AQk3…

Origin, seq of the `key` entry that holds the note, the old verifier key and the new one. Whoever trusts either finds
the other: forward by the old key's signature, backward by the new one's. An old key signs nothing larger than the seq
it handed over at, so what it signs once stolen is not taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from imp_consent.ledger.checkpoint import Checkpoint, open_checkpoint
from imp_consent.ledger.note import SigningKey, VerifierKey, open_note, sign_note
from imp_core.errors import BadInput, LedgerBroken
from imp_core.ports import SystemEntry

__all__ = [
    "HANDOVER_FIELD",
    "Handover",
    "TrustedKey",
    "TrustedKeys",
    "format_handover",
    "handovers",
    "parse_handover",
    "trusted_keys",
]

HANDOVER_FIELD: Final = "handover"  # of the `key` entry
_TITLE: Final = "imp signing-key hand-over"
_LINES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """At entry `seq` the key `old` hands over to `new`."""

    seq: int
    old: VerifierKey
    new: VerifierKey


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A key, and the largest size it signs alone: None for the one in use."""

    key: VerifierKey
    until_size: int | None = None


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """Every key that a log's checkpoints may bear, newest first."""

    spans: tuple[TrustedKey, ...]

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """The keys, newest first."""
        return tuple(span.key for span in self.spans)

    def open_checkpoint(self, note: str | bytes) -> Checkpoint:
        """The checkpoint in a note that is signed by a key that was in use at its size.

        Raises:
            LedgerBroken: not a note, not a checkpoint, of another log, or signed by none of these keys, or only by
                one that had handed over before.
        """
        checkpoint = open_checkpoint(note, *self.keys)
        valid = [span.key for span in self.spans if span.until_size is None or checkpoint.size <= span.until_size]
        signers = {signature.key_id for signature in open_note(note, self.keys).verified}
        if not any(key.key_id in signers for key in valid):
            raise LedgerBroken(
                "a checkpoint is signed only by a key that had handed over before",
                where=f"checkpoint {checkpoint.size}",
            )
        return checkpoint


def format_handover(old: SigningKey, new: SigningKey, *, seq: int) -> str:
    """The note of a hand-over, signed by both keys.

    Raises:
        BadInput: the keys are of different logs, or one and the same.
    """
    if old.name != new.name or old.verifier == new.verifier:
        raise BadInput("a hand-over is from one key to another of the same log")
    text = f"{_TITLE}\n{old.name}\n{seq}\n{old.verifier.format()}\n{new.verifier.format()}\n"
    return sign_note(text, old, new)


def parse_handover(note: str | bytes) -> Handover:
    """Read `format_handover`, both signatures checked.

    Raises:
        LedgerBroken: it is not one, or not signed by both of the keys it names.
    """
    text = note.decode(errors="replace") if isinstance(note, bytes) else note
    head = text.split("\n", _LINES)
    if len(head) <= _LINES or head[0] != _TITLE or not (head[2].isascii() and head[2].isdigit()):
        raise LedgerBroken("not a hand-over of signing keys")
    try:
        found = Handover(seq=int(head[2]), old=VerifierKey.parse(head[3]), new=VerifierKey.parse(head[4]))
    except (BadInput, ValueError):  # int refuses thousands of digits
        raise LedgerBroken("not a hand-over of signing keys") from None
    expected = f"{_TITLE}\n{head[1]}\n{found.seq}\n{found.old.format()}\n{found.new.format()}\n"
    opened = open_note(note, [found.old, found.new])
    if opened.text != expected or {found.old.name, found.new.name} != {head[1]} or found.old == found.new:
        raise LedgerBroken("not a hand-over of signing keys")
    if {signature.key_id for signature in opened.verified} != {found.old.key_id, found.new.key_id}:
        raise LedgerBroken("a hand-over of signing keys that not both have signed", where=f"entry {found.seq}")
    return found


def handovers(entries: Iterable[SystemEntry]) -> Iterator[Handover]:
    """The hand-overs among a log's system entries, oldest first, each from the key that the one before led to.

    Raises:
        LedgerBroken: one is malformed, stands elsewhere than it says, or is not from the key before.
    """
    last: Handover | None = None
    for entry in entries:
        note = entry.fields.get(HANDOVER_FIELD)
        if entry.type != "key" or note is None:
            continue
        found = parse_handover(note if isinstance(note, str) else "")
        if found.seq != entry.seq or (last is not None and found.old != last.new):
            raise LedgerBroken("a hand-over of signing keys out of its place", where=f"entry {entry.seq}")
        last = found
        yield found


def trusted_keys(vkeys: Sequence[VerifierKey], entries: Iterable[SystemEntry]) -> TrustedKeys:
    """Every key to trust from these on, by the hand-overs among a log's system entries (all, or those of type `key`).

    The entries must be those of the tree that is verified with the result: it is no proof of them.

    Raises:
        LedgerBroken: a hand-over is malformed or out of its place.
    """
    chain = list(handovers(entries))
    linked = {key for step in chain for key in (step.old, step.new)}
    if not linked.intersection(vkeys):
        return TrustedKeys(tuple(TrustedKey(key=key) for key in dict.fromkeys(vkeys)))
    newest = TrustedKey(key=chain[-1].new)
    return TrustedKeys((newest, *(TrustedKey(key=step.old, until_size=step.seq) for step in reversed(chain))))
