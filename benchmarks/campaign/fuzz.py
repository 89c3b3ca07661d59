"""Every parser of what comes from outside fed with what is almost right: nothing but our own error may come out.

These are the ledger's formats, and the files that people import (`fuzz_files.py`).

Sound examples of each format are flipped, cut, stretched, spliced with each other and sprinkled with what parsers
stumble over. What a parser takes it must also write back byte for byte, where it has a writer. Usage:

    uv run poe campaign-fuzz [--inputs 1000000] [--seed N] [--json]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from benchmarks.campaign.fuzz_files import FILES
from benchmarks.campaign.report import Report, arguments, publish
from imp_consent.audit.exported import parse_vkeys, verify_proof
from imp_consent.ledger.checkpoint import Checkpoint, sign_checkpoint
from imp_consent.ledger.encoding import decode, encode
from imp_consent.ledger.entry import (
    Statement,
    commitment,
    encode_statement,
    format_system_leaf,
    parse_payload,
    parse_system_leaf,
    payload_with,
    person_leaf,
)
from imp_consent.ledger.handover import format_handover, parse_handover
from imp_consent.ledger.head import format_sums, parse_sums
from imp_consent.ledger.merkle import Frontier, leaf_hash
from imp_consent.ledger.note import SigningKey, VerifierKey, open_note, sign_note
from imp_consent.ledger.proof import (
    ConsistencyProof,
    InclusionProof,
    format_consistency,
    format_proof,
    parse_consistency,
    parse_proof,
)
from imp_consent.ledger.receipt import Receipt, commits, format_receipt, parse_receipt
from imp_consent.ledger.tile import (
    format_bundle,
    format_tile_path,
    parse_bundle,
    parse_hashes,
    parse_tile_path,
)
from imp_core.errors import ImpError

__all__ = ["main"]

_KEY: Final = SigningKey.from_seed("log.example", bytes(range(32)))
_NEXT: Final = SigningKey.from_seed("log.example", bytes(32))
_VKEY: Final = _KEY.verifier.format()
_SAID: Final = Statement(type="grant", purpose="analytics", channel="", at_us=1_770_000_000_000_000, notice="0" * 64)
_BLIND: Final = bytes(32)
_LEAF: Final = person_leaf(link=bytes(32), commit=commitment(_BLIND, _SAID), day=20_513)
_SYSTEM: Final = format_system_leaf("import", at_us=1, actor="ünï 邮件", fields={"n": [1, {"a": None}], "b": True})
_NOTE: Final = sign_checkpoint(Checkpoint("log.example", 2, bytes(32)), _KEY)
_EXTRA: Final = format_receipt(Receipt(leaf=_LEAF, blind=_BLIND, statement=_SAID.plain()))
_PROOF: Final = InclusionProof(index=1, hashes=(leaf_hash(b"a"), leaf_hash(b"b")), checkpoint=_NOTE, extra=_EXTRA)
_GROWN: Final = ConsistencyProof(old=1, hashes=(leaf_hash(b"a"),), checkpoint=_NOTE)
# What parsers stumble over: zeroes, ends, signs, other scripts' digits, half characters, deep and long things.
_STONES: Final = (
    b"\x00", b"\n", b"\n\n", b"\r\n", b"-", b"+", b" ", b"=", b"0", b"00", b"9" * 25, b"1e9", b"NaN", b"\xff",
    b"\xed\xa0\x80",
    "\u0660".encode(), "\u2028".encode(), "\u2014 ".encode(), b"\\ud800", b'"', b"{", b"[" * 40, b"]", b"\xff\xff",
    b"A" * 5000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Format:
    """A parser of bytes, sound examples of what it parses, and (where there is one) its writer."""

    parse: Callable[[bytes], Any]
    seeds: tuple[bytes, ...]
    write: Callable[[Any], bytes] | None = None


def _written(checkpoint: Checkpoint) -> bytes:
    return checkpoint.format().encode(errors="surrogateescape")  # as `_text` read it


def _text(parse: Callable[[str], Any]) -> Callable[[bytes], Any]:
    return lambda data: parse(data.decode(errors="surrogateescape"))


FORMATS: Final = {
    "signed note": _Format(
        lambda data: open_note(data, [_KEY.verifier]), (_NOTE.encode(), sign_note("a\n\nb\n", _NEXT, _KEY).encode())
    ),
    "verifier key": _Format(_text(VerifierKey.parse), (_VKEY.encode(),), lambda key: key.format().encode()),
    "verifier keys": _Format(parse_vkeys, (f"{_VKEY}\n{_NEXT.verifier.format()}\n".encode(),)),
    "checkpoint": _Format(
        _text(Checkpoint.parse), (_NOTE.rpartition("\n\n")[0].encode() + b"\n",), _written
    ),
    "tile path": _Format(
        _text(parse_tile_path),
        (b"tile/0/x001/x234/067", b"tile/entries/000.p/12"),
        lambda tile: format_tile_path(tile).encode(),
    ),
    "tile": _Format(lambda data: parse_hashes(data, 3), (bytes(range(96)),), b"".join),
    "entry bundle": _Format(lambda data: parse_bundle(data, 3), (format_bundle([_LEAF, b"", _SYSTEM]),), format_bundle),
    "inclusion proof": _Format(
        parse_proof, (format_proof(_PROOF).encode(),), lambda proof: format_proof(proof).encode()
    ),
    "consistency proof": _Format(
        parse_consistency, (format_consistency(_GROWN).encode(),), lambda proof: format_consistency(proof).encode()
    ),
    "proof, verified": _Format(
        lambda data: verify_proof("x", data, _VKEY),
        (format_proof(_PROOF).encode(), format_consistency(_GROWN).encode()),
    ),
    "receipt": _Format(parse_receipt, (_EXTRA, format_receipt(Receipt(leaf=_SYSTEM))), format_receipt),
    "receipt, checked": _Format(lambda data: commits(parse_receipt(data)), (_EXTRA,)),
    "canonical JSON": _Format(decode, (_LEAF, _SYSTEM, _EXTRA), encode),
    "system leaf": _Format(lambda data: parse_system_leaf(data, seq=1), (_SYSTEM, _LEAF)),
    "payload": _Format(
        lambda data: parse_payload(data, seq=1, subject=2), (payload_with(encode_statement(_SAID), {"actor": "self"}),)
    ),
    "hand-over": _Format(parse_handover, (format_handover(_KEY, _NEXT, seq=7).encode(),)),
    "sums": _Format(_text(parse_sums), (format_sums({"a": 1, "b": 2**255}).encode(),)),
    "frontier": _Format(
        lambda data: Frontier.from_bytes(len(data) % 9, data), (bytes(64),), lambda frontier: frontier.to_bytes()
    ),
    **{name: _Format(parse, seeds) for name, (parse, seeds) in FILES.items()},
}  # fmt: skip


def mutate(chance: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """One to four harms to what was sound, or now and then something else altogether."""
    if chance.random() < 0.02:
        return chance.randbytes(chance.randrange(200))
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(data))
        harm = chance.randrange(6)
        if harm == 0 and data:
            place = min(at, len(data) - 1)
            data = data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]
        elif harm == 1:
            data = data[:at] + chance.choice(_STONES) + data[at:]
        elif harm == 2:
            data = data[:at] + data[at + chance.randint(1, 8) :]
        elif harm == 3:
            data = data[:at]
        elif harm == 4:
            part = data[at : at + chance.randint(1, 80)]
            data = data[:at] + part * chance.randint(2, 4) + data[at:]
        else:
            other = chance.choice(others)
            data = data[:at] + other[chance.randint(0, len(other)) :]
    return data


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign; 1 where anything but our error came out."""
    parser = arguments(__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    chosen = parser.parse_args(words)
    chance, report = Random(chosen.seed), Report("fuzz", seed=chosen.seed)
    every = [seed for format_ in FORMATS.values() for seed in format_.seeds]
    names = list(FORMATS)
    for number in range(chosen.inputs):
        name = names[number % len(names)]
        data = mutate(chance, chance.choice(FORMATS[name].seeds), every)
        report.add(f"{name}: {_try(FORMATS[name], data, report, f'{name}, input {number}')}", 1)
        if number % 10_000 == 0:
            report.progress(f"input {number} of {chosen.inputs}")
    report.add("inputs", chosen.inputs)
    return publish(report, as_json=chosen.json)


def _try(format_: _Format, data: bytes, report: Report, place: str) -> str:
    try:
        found = format_.parse(data)
        same = format_.write is None or format_.write(found) == data
    except ImpError:
        return "refused"
    except Exception as error:  # noqa: BLE001 (any other error is what the campaign looks for)
        report.find(place, [f"{type(error).__name__} from {data[:300]!r}"])
        return "failed"
    if not same:
        report.find(place, [f"taken, but not written back as it was: {data[:300]!r}"])
    return "taken"


if __name__ == "__main__":
    sys.exit(main())
