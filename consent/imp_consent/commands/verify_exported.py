"""`imp audit verify DIR|FILE`: an export, a proof or a receipt, checked with a public key alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from imp_consent.audit.exported import ExportVerification, ProofVerification, verify, verify_proof
from imp_consent.audit.exported.text import printable
from imp_consent.audit.problem import told
from imp_consent.ledger.proof import MAX_PROOF
from imp_core.command import lines
from imp_core.errors import BadInput

__all__ = ["read_kept", "show", "verify_target"]

_SHOWN: Final = 50
_WIDTH: Final = len("checkpoint")


def verify_target(
    target: Path | None,
    vkey: Path | None,
    *,
    pinned: Sequence[Path] = (),
    count: Callable[[int], None] = lambda _: None,
) -> ExportVerification | ProofVerification:
    """Check an export's folder or a proof's file with the verifier keys in the file `vkey`.

    Raises:
        BadInput: `target` or `vkey` is not named, or one of the files cannot be read.
    """
    if target is None or vkey is None:
        raise BadInput(
            "an export or proof is checked with a public key" if vkey is None else "a public key is for DIR or FILE",
            where="verify",
            mend="imp audit verify DIR|FILE --vkey KEYFILE, the key from somewhere else than DIR",
        )
    kept = [(str(path), read_kept(path, "pinned checkpoint")) for path in pinned]
    try:
        keys = read_kept(vkey, "verifier key")
        if target.is_dir():
            return verify(target, keys, kept, count=count)
        return verify_proof(str(target), read_kept(target, "proof"), keys, kept)
    except BadInput as error:
        if error.where is None or error.where.startswith("line "):  # of the keys: say in which file
            where = ", ".join(filter(None, [str(vkey), error.where]))
            raise BadInput(error.what, where=where, mend=error.mend) from None
        raise


def read_kept(path: Path, what: str) -> bytes:
    """A small file somebody kept: a checkpoint, proof or key.

    Raises:
        BadInput: it cannot be read, or is larger than any of these.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PROOF + 1)
    except OSError as error:
        raise BadInput(f"the {what} cannot be read: {error.strerror}", where=str(path)) from None
    if len(data) > MAX_PROOF:
        raise BadInput(f"the {what} has more than {MAX_PROOF} bytes", where=str(path))
    return data


def show(found: ExportVerification | ProofVerification) -> str:
    """The result as text, whatever strangers wrote into it."""
    return "\n".join(printable(line) for line in _lines(found))


def _lines(found: ExportVerification | ProofVerification) -> list[str]:
    facts = _of_export(found) if isinstance(found, ExportVerification) else _of_proof(found)
    shown = [lines({name.ljust(_WIDTH): value}) for name, value in facts.items() if value is not None]
    if found.ok:
        return [*shown, f"ok: {_meaning(found)}"]
    return [*shown, f"NOT OK: {len(found.problems)} problems", *told(found.problems, most=_SHOWN)]


def _of_export(found: ExportVerification) -> dict[str, str | None]:
    return {
        "log": found.origin,
        "entries": None if found.size is None else f"{found.size}, root {found.root}",
        "people": f"{found.persons_leaves} entries of people",
        "signed by": ", ".join(found.signed_by) or "nobody you trust",
        "files": str(found.files),
        "pinned": f"{found.pinned} checkpoints agree" if found.pinned else None,
    }


def _of_proof(found: ProofVerification) -> dict[str, str | None]:
    return {
        "log": found.origin,
        "entry": None if found.index is None else str(found.index),
        "leaf": found.leaf,
        "statement": None if found.statement is None else json.dumps(dict(found.statement), ensure_ascii=False),
        "old size": None if found.old is None else str(found.old),
        "checkpoint": None if found.size is None else f"{found.size} entries, root {found.root}",
        "signed by": ", ".join(found.signed_by) or "nobody you trust",
    }


def _meaning(found: ExportVerification | ProofVerification) -> str:
    if isinstance(found, ExportVerification):
        return "these are exactly the entries that were signed"
    if found.kind == "consistency":
        return f"the log only grew since it had {found.old} entries"
    return "this entry is in the log that was signed" + (
        ", and commits to this statement" if found.statement is not None else ""
    )
