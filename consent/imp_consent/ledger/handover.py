"""The hand-over from one signing key to the next: a note that both have signed, in the log itself.

    imp signing-key hand-over
    imp.local/3f0a…
    1042
    imp.local/3f0a…+aa6dd6f1+AVhV…
    imp.local/3f0a…+01f9c2de+AQk3…

Origin, seq of the `key` entry that holds the note, the old verifier key and the new one. Whoever trusts either finds
the other: forward by the old key's signature, backward by the new one's. An old key signs nothing larger than the seq
it handed over at, and the new one nothing smaller. Whoever knows the new key takes nothing that an old one signs once
it is stolen; whoever knows only the old one cannot tell a hand-over to the thief from the true one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
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
    "given_keys",
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
    """A key and the sizes it signs: from `first_size` to `until_size`, None where it has not handed over."""

    key: VerifierKey
    first_size: int = 0
    until_size: int | None = None

    def signs(self, checkpoint: Checkpoint) -> bool:
        """Whether it was in use at a checkpoint's size, and for that log."""
        until = checkpoint.size if self.until_size is None else self.until_size
        return self.key.name == checkpoint.origin and self.first_size <= checkpoint.size <= until


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
                one that was not in use then.
        """
        checkpoint = open_checkpoint(note, *self.keys)
        signers = {(signature.name, signature.key_id) for signature in open_note(note, self.keys).verified}
        if not any((span.key.name, span.key.key_id) in signers for span in self.spans if span.signs(checkpoint)):
            raise LedgerBroken(
                "a checkpoint is signed only by a key that had handed over before, or was not yet in use",
                where=f"checkpoint {checkpoint.size}",
            )
        return checkpoint

    def as_of(self, size: int) -> TrustedKeys:
        """The same as the log's first `size` entries tell it."""
        began = [span for span in self.spans if span.first_size <= size]
        return TrustedKeys(tuple(replace(span, until_size=None) if not at else span for at, span in enumerate(began)))


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
    if found.old.key_id == found.new.key_id:  # four bytes: two keys of one id are easily found
        raise LedgerBroken("not a hand-over of signing keys")
    expected = f"{_TITLE}\n{head[1]}\n{found.seq}\n{found.old.format()}\n{found.new.format()}\n"
    opened = open_note(note, [found.old, found.new])
    if opened.text != expected or {found.old.name, found.new.name} != {head[1]}:
        raise LedgerBroken("not a hand-over of signing keys")
    if {signature.key_id for signature in opened.verified} != {found.old.key_id, found.new.key_id}:
        raise LedgerBroken("a hand-over of signing keys that not both have signed", where=f"entry {found.seq}")
    return found


def handovers(entries: Iterable[SystemEntry]) -> Iterator[Handover]:
    """The hand-overs among a log's system entries, oldest first, each from the key that the one before led to.

    Raises:
        LedgerBroken: one is malformed, stands elsewhere than it says, is not from the key before, or leads to a key
            that was in use already.
    """
    last: Handover | None = None
    used: set[bytes] = set()
    for entry in entries:
        note = entry.fields.get(HANDOVER_FIELD)
        if entry.type != "key" or note is None:
            continue
        found = parse_handover(note if isinstance(note, str) else "")
        used.add(found.old.key_id)
        if found.seq != entry.seq or (last is not None and found.old != last.new) or found.new.key_id in used:
            raise LedgerBroken("a hand-over of signing keys out of its place", where=f"entry {entry.seq}")
        last = found
        yield found


def given_keys(given: Iterable[TrustedKey]) -> TrustedKeys:
    """The keys somebody brings along, where there is no log to tell when each was in use.

    Raises:
        BadInput: several of one log that are not limited: any of them may have handed over, and been stolen since.
    """
    keys = _distinct(given)
    names = [span.key.name for span in keys if span.until_size is None]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(
            f"{names.count(twice[0])} verifier keys of one log, and nothing says until when each was in use",
            where=twice[0],
            mend="leave the one in use as it is, and write behind each older one its last size, as in log.vkey.retired",
        )
    return TrustedKeys(keys)


def trusted_keys(given: Iterable[TrustedKey], entries: Iterable[SystemEntry], *, origin: str) -> TrustedKeys:
    """Every key to trust from these on, by the hand-overs among a log's system entries (all, or those of type `key`).

    The entries must be those of the tree that is verified with the result: it is no proof of them. Each given key of
    this log must be one that they link, so that nobody who has stolen one can leave the others out.

    Raises:
        LedgerBroken: a hand-over is malformed, out of its place or of another log, or does not lead to a given key,
            or elsewhere than to the size that was given with it.
    """
    known, chain = _distinct(given), list(handovers(entries))
    own = [span for span in known if span.key.name == origin]
    others = [span for span in known if span.key.name != origin]
    if chain and chain[0].old.name != origin:
        raise LedgerBroken("a hand-over of signing keys of another log", where=f"entry {chain[0].seq}")
    spans = {span.key: span for span in _spans(chain)}
    unlinked = [span.key.key_id.hex() for span in own if span.key not in spans]
    if unlinked and (chain or len(own) > 1):
        raise LedgerBroken(
            f"no hand-over in the log leads to a key that was given: {', '.join(unlinked)}. It is another history, or "
            "one from before that key, to be checked with the key of then alone"
        )
    if not chain or not own:
        return TrustedKeys(known)
    for span in own:
        _narrow(spans, span)
    return TrustedKeys((*spans.values(), *others))


def _distinct(given: Iterable[TrustedKey]) -> tuple[TrustedKey, ...]:
    found: dict[VerifierKey, TrustedKey] = {}
    for span in given:
        before = found.setdefault(span.key, span)
        if span.until_size is not None and (before.until_size is None or span.until_size < before.until_size):
            found[span.key] = span  # the narrower of two limits
    return tuple(found.values())


def _spans(chain: Sequence[Handover]) -> list[TrustedKey]:
    if not chain:
        return []
    firsts = [0, *(step.seq + 1 for step in chain)]
    olds = [TrustedKey(key=step.old, first_size=firsts[at], until_size=step.seq) for at, step in enumerate(chain)]
    return [TrustedKey(key=chain[-1].new, first_size=firsts[-1]), *reversed(olds)]


def _narrow(spans: dict[VerifierKey, TrustedKey], given: TrustedKey) -> None:
    span = spans[given.key]
    if given.until_size is None or given.until_size == span.until_size:
        return
    if span.until_size is not None:
        raise LedgerBroken(
            f"the key {given.key.key_id.hex()} hands over at another size than {given.until_size}, which was given",
            where=f"entry {span.until_size}",
        )
    spans[given.key] = replace(span, until_size=given.until_size)
