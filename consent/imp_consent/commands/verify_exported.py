"""`imp audit verify DIR|FILE`: an export, a proof or a receipt, checked with a public key alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from imp_consent.audit.exported import CHECKPOINT, ExportVerification, ProofVerification, verify, verify_proof
from imp_consent.audit.exported.bundle import BundleVerification, is_bundle, verify_bundle
from imp_consent.audit.exported.keys import signed_note
from imp_consent.audit.exported.text import printable
from imp_consent.audit.problem import told
from imp_consent.ledger.checkpoint import Checkpoint
from imp_consent.ledger.proof import MAX_PROOF
from imp_core.clock import format_time
from imp_core.command import lines
from imp_core.counting import some
from imp_core.errors import BadInput, LedgerBroken

__all__ = ["KEY_WARNING", "read_kept", "read_pin", "show", "verify_target"]

KEY_WARNING: Final = (
    "warning: the key lies with what it is to check; if it came with it, this proves nothing: "
    "whoever forges the one forges the other. Get the key from somewhere else"
)
Verification = ExportVerification | ProofVerification | BundleVerification
_KEY_MEND: Final = "name the file of the log's public key that you got from elsewhere"
_KEPT_MEND: Final = "name the file that you kept, such as what imp audit checkpoint printed"
_SHOWN: Final = 50
_ORIGIN: Final = re.compile(r"[A-Za-z0-9./_-]{1,140}")  # a name that can be shown
_TIMES: Final = frozenset({"at", "until"})
_YEAR_10_000_US: Final = 253_402_300_800_000_000
_WIDTH: Final = len("checkpoint")


def verify_target(
    target: Path | None,
    vkey: Path | None,
    *,
    pinned: Sequence[Path] = (),
    count: Callable[[int], None] = lambda _: None,
) -> Verification:
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
    kept = [(str(path), read_pin(path)) for path in pinned]
    try:
        keys = read_kept(vkey, "verifier key", mend=_KEY_MEND)
        found = _verified(target, keys, kept, count)
        return replace(found, key_from_export=_came_with(vkey, target))
    except BadInput as error:
        if error.where is None or error.where.startswith("line "):  # of the keys: say in which file
            where = ", ".join(filter(None, [str(vkey), error.where]))
            raise BadInput(error.what, where=where, mend=error.mend) from None
        raise


def _verified(
    target: Path, keys: bytes, kept: Sequence[tuple[str, bytes]], count: Callable[[int], None]
) -> Verification:
    if target.is_dir() and is_bundle(target) and not (target / CHECKPOINT).exists():
        if kept:
            raise BadInput(
                "a bundle of proofs is not held against pinned checkpoints",
                where=str(target),
                mend="leave --pinned out, or name the whole export",
            )
        return verify_bundle(target, keys)
    if target.is_dir():
        _refuse_receipts(target)
        return verify(target, keys, kept, count=count)
    data = read_kept(target, "export, proof or receipt", mend="name an export's folder, or a .tlog-proof file")
    _refuse_checkpoint(target, data)
    return verify_proof(str(target), data, keys, kept)


def _refuse_receipts(folder: Path) -> None:
    """A folder of receipts holds files that are each checked alone."""
    receipts = sorted(path.name for path in folder.glob("*.tlog-proof"))
    if receipts and not (folder / CHECKPOINT).exists():
        raise BadInput(
            f"a folder with {len(receipts)} receipts or proofs, not an export",
            where=str(folder),
            mend=f"check each of them, first: imp audit verify {folder / receipts[0]} --vkey KEYFILE",
        )


def _refuse_checkpoint(path: Path, data: bytes) -> None:
    """A checkpoint alone proves nothing about entries: an export or the workspace is held against it."""
    try:
        checkpoint = _stated(data)
    except LedgerBroken:
        return
    raise BadInput(
        f"a checkpoint of {some(checkpoint.size, 'entry', 'entries')}, not an export or a proof",
        where=str(path),
        mend=f"hold an export against it: imp audit verify DIR --vkey KEYFILE --pinned {path}; "
        f"or, with the workspace: imp audit verify --pinned {path}",
    )


def _stated(note: bytes) -> Checkpoint:
    """What a note states, whoever signed it."""
    text, blank, _ = note.decode(errors="replace").rpartition("\n\n")
    return Checkpoint.parse(text + "\n" if blank else "")


def read_pin(path: Path, *, origin: str | None = None) -> bytes:
    """A checkpoint that somebody kept, or a proof that holds one, as it stands in its file: whoever signed it.

    Raises:
        BadInput: it cannot be read, is neither, or is of another log than `origin` (None: whichever).
    """
    data = read_kept(path, "pinned checkpoint")
    try:
        stated = _stated(signed_note(data))
    except LedgerBroken:
        raise BadInput("not a checkpoint", where=str(path), mend=_KEPT_MEND) from None
    if origin not in (None, stated.origin):
        named = f"the log {stated.origin}" if _ORIGIN.fullmatch(stated.origin) else "another log"
        raise BadInput(
            f"this pin is of {named}, not of this one, {origin}", where=str(path), mend="name one that this log signed"
        )
    return data


def _came_with(vkey: Path, target: Path) -> bool:
    """Whether a key lies in the export that it is to check, or beside the receipt: then both may be forged alike."""
    key, checked = vkey.resolve(), target.resolve()
    return key.is_relative_to(checked) if checked.is_dir() else key.parent == checked.parent


def read_kept(path: Path, what: str, *, mend: str | None = None) -> bytes:
    """A small file somebody kept: a checkpoint, proof or key.

    Raises:
        BadInput: it cannot be read, or is larger than any of these.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PROOF + 1)
    except OSError as error:
        raise BadInput(
            f"the {what} cannot be read: {error.strerror}", where=str(path), mend=mend or _KEPT_MEND
        ) from None
    if len(data) > MAX_PROOF:
        raise BadInput(
            f"the {what} has more than {MAX_PROOF} bytes",
            where=str(path),
            mend="name the file itself, as it was written",
        )
    return data


def show(found: Verification) -> str:
    """The result as text, whatever strangers wrote into it."""
    return "\n".join(printable(line) for line in _lines(found))


def _lines(found: Verification) -> list[str]:
    facts = _facts(found)
    shown = [lines({name.ljust(_WIDTH): value}) for name, value in facts.items() if value is not None]
    if found.ok:
        return [*shown, f"ok: {_meaning(found)}"]
    return [*shown, f"NOT OK: {some(len(found.problems), 'problem')}", *told(found.problems, most=_SHOWN)]


def _facts(found: Verification) -> dict[str, str | None]:
    if isinstance(found, ExportVerification):
        return _of_export(found)
    return _of_bundle(found) if isinstance(found, BundleVerification) else _of_proof(found)


def _of_bundle(found: BundleVerification) -> dict[str, str | None]:
    return {
        "log": found.origin,
        **{f"entry {seq}": _stated_text(said) for seq, said in zip(found.entries, found.statements, strict=True)},
        "consent": None if _consents(found) else "none in it: none of these entries is a yes that counts",
        "notices": ", ".join(found.notices) or None,
        "checkpoint": None if found.size is None else f"{some(found.size, 'entry', 'entries')}, root {found.root}",
        "signed by": ", ".join(found.signed_by) or "nobody you trust",
    }


def _stated_text(said: Mapping[str, object]) -> str:
    """What an entry commits to, its times as people read them; --json has them as they are written there."""
    shown = {name: _readable(value) if name in _TIMES else value for name, value in said.items()}
    return json.dumps(shown, ensure_ascii=False)


def _readable(value: object) -> object:
    is_time = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _YEAR_10_000_US
    return format_time(value) if is_time and isinstance(value, int) else value


def _consents(found: BundleVerification) -> bool:
    """Whether a bundle holds a yes that was not bundled, as that opens nothing, and that no correction took back."""
    wrong = {said.get("corrects") for said in found.statements}
    told = zip(found.entries, found.statements, strict=True)
    return any(said.get("type") == "grant" and not said.get("bundled") and seq not in wrong for seq, said in told)


def _of_export(found: ExportVerification) -> dict[str, str | None]:
    return {
        "log": found.origin,
        "entries": None if found.size is None else f"{found.size}, root {found.root}",
        "people": f"{some(found.persons_leaves, 'entry', 'entries')} of people",
        "signed by": ", ".join(found.signed_by) or "nobody you trust",
        "files": str(found.files),
        "pinned": some(found.pinned, "checkpoint agrees", "checkpoints agree") if found.pinned else None,
        "key in use": found.vkey,
    }


def _of_proof(found: ProofVerification) -> dict[str, str | None]:
    return {
        "log": found.origin,
        "entry": None if found.index is None else str(found.index),
        "leaf": found.leaf,
        "statement": None if found.statement is None else _stated_text(found.statement),
        "old size": None if found.old is None else str(found.old),
        "checkpoint": None if found.size is None else f"{some(found.size, 'entry', 'entries')}, root {found.root}",
        "signed by": ", ".join(found.signed_by) or "nobody you trust",
    }


def _meaning(found: Verification) -> str:
    if isinstance(found, ExportVerification):
        return "these are exactly the entries that were signed"
    if isinstance(found, BundleVerification):
        same = "these entries are in the log that was signed, with these notices, and the record says the same"
        return same if _consents(found) else f"{same}; it proves no consent"
    if found.kind == "consistency":
        return f"the log only grew since it had {some(found.old or 0, 'entry', 'entries')}"
    return "this entry is in the log that was signed" + (
        ", and commits to this statement" if found.statement is not None else ""
    )
