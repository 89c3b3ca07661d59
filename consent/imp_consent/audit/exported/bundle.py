"""A bundle of proofs of one person's consent, checked by whoever holds it with the log's public key alone."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from imp_consent.audit.exported.proof_file import ProofVerification, verify_proof
from imp_consent.audit.problem import Problem, Problems
from imp_consent.ledger.encoding import encode
from imp_consent.ledger.proof import MAX_PROOF
from imp_consent.records.document import parse_document
from imp_consent.records.parse import Copies, is_record, parse_record
from imp_consent.records.row import KINDS
from imp_core.counting import some
from imp_core.errors import BadInput
from imp_core.ports import Json

__all__ = ["NOTICE_FILE", "RECEIPT_FILE", "BundleVerification", "is_bundle", "verify_bundle"]

RECEIPT_FILE: Final = "receipt.jsonld"
NOTICE_FILE: Final = "notice-{}.json"
_PROOFS: Final = "*.tlog-proof"
_NAMED: Final = 3  # of what a record says too much or too little
_MAX_FILE: Final = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleVerification:
    """What a bundle says and whether it holds.

    `entries` are the numbers of the entries proved, `statements` what they say, in the same order; `notices` the hashes
    of the notices that are there word for word. `origin`, `size` and `root` (hex) are the checkpoint's (None: not
    signed by the given key), `signed_by` the ids of the keys that signed it. `key_from_export`: the trusted key lay in
    the bundle, and may have come with it.
    """

    ok: bool
    origin: str | None
    size: int | None
    root: str | None
    signed_by: tuple[str, ...]
    entries: tuple[int, ...]
    statements: tuple[Mapping[str, Json], ...]
    notices: tuple[str, ...]
    problems: tuple[Problem, ...]
    key_from_export: bool = False


class _Said(NamedTuple):
    seq: int
    statement: Mapping[str, Any]


def is_bundle(folder: Path) -> bool:
    """Whether a folder holds a bundle and no export."""
    return (folder / RECEIPT_FILE).is_file()


def verify_bundle(folder: Path, vkey: str | bytes) -> BundleVerification:
    """Check every proof in a folder, the notices they name, and the record of them by ISO/IEC TS 27560.

    Raises:
        BadInput: `vkey` holds no verifier key, or there is no proof, or a file cannot be read.
    """
    problems = Problems()
    paths = sorted(folder.glob(_PROOFS))
    if not paths:
        raise BadInput("a receipt without a proof", where=str(folder), mend="have it made again: imp consent proof")
    proofs = [verify_proof(path.name, _read(path, MAX_PROOF), vkey) for path in paths]
    for proof in proofs:
        problems.found += proof.problems
    logs = {(proof.origin, proof.size, proof.root) for proof in proofs}
    problems.expect(len(logs) == 1, "bundle.checkpoints", str(folder), "its proofs are of several checkpoints")
    said = sorted(_Said(p.index, p.statement) for p in proofs if p.ok and p.index is not None and p.statement)
    for proof, path in zip(proofs, paths, strict=True):
        problems.expect(proof.statement is not None, "bundle.statement", path.name, "it does not say what was stated")
    notices = _check_notices(folder, said, problems)
    _check_record(folder, said, problems)
    return _result(proofs, said, notices, problems)


def _check_notices(folder: Path, said: list[_Said], problems: Problems) -> tuple[str, ...]:
    """The notices that the statements name, each there with exactly its bytes."""
    named = dict.fromkeys(str(item.statement["notice"]) for item in said if item.statement.get("notice"))
    found = []
    for sha256 in named:
        name = NOTICE_FILE.format(sha256)
        path = folder / name
        if problems.expect(path.is_file(), "bundle.notice", name, "the notice that was shown is not there"):
            same = hashlib.sha256(_read(path, _MAX_FILE)).hexdigest() == sha256
            if problems.expect(same, "bundle.notice", name, "this is not the notice that the entry names"):
                found.append(sha256)
    return tuple(found)


def _check_record(folder: Path, said: list[_Said], problems: Problems) -> None:
    """The record says what the proofs prove, and nothing else: what was corrected since is not in it."""
    wrong = {item.statement.get("corrects") for item in said if item.statement.get("type") == "correction"}
    proved = Counter(
        encode(item.statement) for item in said if item.statement.get("type") in KINDS and item.seq not in wrong
    )
    try:
        text = _read(folder / RECEIPT_FILE, _MAX_FILE).decode()
        nodes = [node for node in parse_document(io.StringIO(text)) if is_record(node)]
        copies = Copies()
        rows = [row for node in nodes for row in parse_record(node) if not copies.has(row)]
        told = Counter(encode(row.statement.plain()) for row in rows)
    except (BadInput, UnicodeDecodeError) as error:
        what = error.what if isinstance(error, BadInput) else "not text in UTF-8"
        problems.report("bundle.record", RECEIPT_FILE, f"it cannot be read as records: {what}")
        return
    more, less = told - proved, proved - told
    says = f"it says {some(more.total(), 'thing')} that no proof here proves: {_kinds(more)}"
    problems.expect(not more, "bundle.record", RECEIPT_FILE, says)
    left = f"it leaves out {less.total()} of what is proved here: {_kinds(less)}"
    problems.expect(not less, "bundle.record", RECEIPT_FILE, left)


def _kinds(statements: Counter[bytes]) -> str:
    """Which they are, the first of them: type and purpose, and the moment in microseconds as they write it."""
    read = [json.loads(text) for text in list(statements)[:_NAMED]]
    named = [f"{one.get('type')} of {one.get('purpose')} at {one.get('at')}" for one in read]
    return "; ".join(named) + (" …" if len(statements) > _NAMED else "")


def _result(
    proofs: list[ProofVerification], said: list[_Said], notices: tuple[str, ...], problems: Problems
) -> BundleVerification:
    first = proofs[0]
    return BundleVerification(
        ok=not problems.found,
        origin=first.origin,
        size=first.size,
        root=first.root,
        signed_by=first.signed_by,
        entries=tuple(item.seq for item in said),
        statements=tuple(item.statement for item in said),
        notices=notices,
        problems=tuple(problems.found),
    )


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise BadInput(
            f"cannot be read: {error.strerror}",
            where=str(path),
            mend="name the folder that imp consent proof wrote, and look at its mode",
        ) from None
    if len(data) > most:
        raise BadInput(
            f"has more than {most} bytes",
            where=str(path),
            mend="name the folder that imp consent proof wrote, as it was",
        )
    return data
