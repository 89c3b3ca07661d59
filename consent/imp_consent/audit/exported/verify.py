"""An export of the log checked by somebody who has nothing else: no workspace, no database, no keys but a public one.

What it establishes: the entries are exactly those the log signed for, every tile is what the entries make it, the log
begins with what every pinned checkpoint says, and new signing keys were handed over by the old ones. What it cannot:
what the people behind the entries said (that takes their keys), and that the log showed everybody the same (that takes
a checkpoint from somewhere else: pin it).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from imp_consent.audit.exported.folder import Folder, Unreadable
from imp_consent.audit.exported.keys import Signed, open_signed, parse_vkeys, signed_note, stated_in
from imp_consent.audit.exported.text import printable
from imp_consent.audit.exported.tree import Tree, read_tree
from imp_consent.audit.problem import Problem, Problems
from imp_consent.ledger.checkpoint import Checkpoint
from imp_consent.ledger.handover import TrustedKey, TrustedKeys, trusted_keys
from imp_consent.ledger.tile import levels_of, parse_tile_path, tile_at
from imp_core.counting import some
from imp_core.errors import BadInput, LedgerBroken

__all__ = ["CHECKPOINT", "README", "RETIRED", "VKEYS", "ExportVerification", "verify"]

CHECKPOINT: Final = "checkpoint"
VKEYS: Final = "log.vkey"
RETIRED: Final = "log.vkey.retired"
README: Final = "README.md"
_LIMITS: Final = {CHECKPOINT: 1_000_000, VKEYS: 1_000_000, RETIRED: 1_000_000, README: 1_000_000}
_SHOWN: Final = 100
_SHOWN_PATH: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportVerification:
    """What was looked at and what was found.

    `origin`, `size` and `root` (hex) are what the checkpoint says (None: it cannot be read), `signed_by` the ids of
    the trusted keys that signed it. `entries_root` (hex) is the root of the entries' own bytes (None: some are
    missing), `persons_leaves` how many entries are people's, `files` how many tiles and bundles were hashed, `pinned`
    how many checkpoints kept elsewhere agree. `vkey` is the verifier key in use at the end of the log, to be trusted
    next (None: the checkpoint is not one of these entries' that a trusted key signed). `key_from_export`: the trusted
    key was read from what it is to check, which proves nothing.
    """

    ok: bool
    origin: str | None
    size: int | None
    root: str | None
    signed_by: tuple[str, ...]
    entries_root: str | None
    persons_leaves: int
    files: int
    pinned: int
    problems: tuple[Problem, ...]
    vkey: str | None = None
    key_from_export: bool = False


def verify(
    folder: Path,
    vkey: str | bytes,
    pinned: Sequence[tuple[str, bytes]] = (),
    *,
    count: Callable[[int], None] = lambda _: None,
) -> ExportVerification:
    """Check an export; `count` hears of each entry.

    `vkey` are the verifier keys the auditor trusts, one a line, from elsewhere than the folder: where there are
    several of this log, its hand-overs must link them all. `pinned` are checkpoints or `.tlog-proof` files kept
    elsewhere (name and bytes of each): the log must begin with what they say.

    Raises:
        BadInput: the folder cannot be read, or `vkey` holds no verifier key.
    """
    keys, problems = parse_vkeys(vkey), Problems()
    with Folder(folder) as opened:
        return _Export(opened, keys, problems).verify(pinned, count)


class _Export:
    def __init__(self, folder: Folder, keys: Sequence[TrustedKey], problems: Problems) -> None:
        self._folder = folder
        self._given = keys
        self._trusted = TrustedKeys(tuple(keys))
        self._linked = False  # whether the log's hand-overs agree with them
        self._problems = problems

    def verify(self, pinned: Sequence[tuple[str, bytes]], count: Callable[[int], None]) -> ExportVerification:
        note = self._own(CHECKPOINT)
        stated = self._stated(note)
        tree = Tree(size=0)
        if stated is not None:
            tree = read_tree(self._folder, stated.size, self._problems, count)
            self._follow(tree, stated.origin)
            self._check_listing(stated.size)
        self._check_listed_keys(stated.origin if stated else "")
        signed = None if note is None or stated is None else self._open(note, CHECKPOINT, "checkpoint.signature")
        if stated is not None:
            self._check_tree(stated, signed, tree)
        agreed = self._check_pinned(pinned, tree, stated)
        return ExportVerification(
            ok=not self._problems.found,
            origin=stated.origin if stated else None,
            size=stated.size if stated else None,
            root=stated.root.hex() if stated else None,
            signed_by=signed.signed_by if signed else (),
            entries_root=tree.root.hex() if tree.root and stated else None,
            persons_leaves=tree.people,
            files=tree.files,
            pinned=agreed,
            problems=tuple(self._problems.found),
            vkey=self._in_use(stated.origin) if stated and signed and tree.root == stated.root else None,
        )

    def _in_use(self, origin: str) -> str | None:
        own = [span.key for span in self._trusted.spans if self._linked and span.key.name == origin]
        return own[0].format() if own else None

    def _own(self, name: str) -> bytes | None:
        try:
            return self._folder.read(name, _LIMITS[name])
        except Unreadable as error:
            self._problems.report(f"{name.removeprefix('log.')}.missing", name, str(error))
            return None

    def _stated(self, note: bytes | None) -> Checkpoint | None:
        """What the checkpoint says before its signature is known to hold: the key may be handed over in the log."""
        if note is None:
            return None
        try:
            return stated_in(note)
        except LedgerBroken as error:
            self._problems.report("checkpoint.malformed", CHECKPOINT, error.what)
            return None

    def _follow(self, tree: Tree, origin: str) -> None:
        """Trust the keys that signed hand-overs in the log lead to from those given, each while it was in use."""
        try:
            self._trusted = trusted_keys(self._given, tree.keys, origin=origin)
            self._linked = any(span.key.name == origin for span in self._trusted.spans)
        except LedgerBroken as error:
            self._problems.report("keys.handover", error.where or "entries", error.what)

    def _check_listed_keys(self, origin: str) -> None:
        """`log.vkey` lists the key in use, `log.vkey.retired` those before it, by the log's own hand-overs."""
        own = [span for span in self._trusted.spans if span.key.name == origin]
        named = self._keys_in(VKEYS)
        strangers = [span for span in named or () if span.key not in self._trusted.keys]
        if strangers:
            self._problems.report(
                "vkey.unknown",
                VKEYS,
                f"{some(len(strangers), 'key')} that the given verifier key does not lead to: it belongs "
                "to another log, or "
                "no signed hand-over names them",
            )
        elif named is not None and self._linked:
            expected = [TrustedKey(key=span.key) for span in own[:1]]
            sentence = "it lists other keys than the one in use at the end of this log"
            self._problems.expect([_plain(span) for span in named] == expected, "vkey.listed", VKEYS, sentence)
        if not (self._linked and own[1:]):
            return
        retired = self._keys_in(RETIRED)
        sentence = "it does not list the keys that handed over in this log, newest first, with their last sizes"
        expected = [_plain(span) for span in own[1:]]
        self._problems.expect(retired in (None, expected), "vkey.retired", RETIRED, sentence)

    def _keys_in(self, name: str) -> list[TrustedKey] | None:
        data = self._own(name)
        if data is None:
            return None
        try:
            return parse_vkeys(data)
        except BadInput as error:
            self._problems.report("vkey.malformed", name, str(error))
            return None

    def _open(self, note: bytes, place: str, code: str) -> Signed | None:
        try:
            return open_signed(note, self._trusted)
        except LedgerBroken as error:
            self._problems.report(code, place, error.what)
            return None

    def _check_tree(self, stated: Checkpoint, signed: Signed | None, tree: Tree) -> None:
        if signed is not None and tree.root == stated.root:
            # the entries are what was signed: whatever else differs is wrong itself
            for path in dict.fromkeys([*(tile for _, _, tile in tree.entries_wrong), *tree.tiles_wrong]):
                self._problems.report("tile.hash", path, "its hashes are not those of the entries that were signed")
            return
        if (
            not (signed is not None and tree.tiles_root == stated.root and not tree.chain_wrong)
            and tree.root is not None
        ):
            self._problems.expect(
                tree.root == stated.root,
                "log.root",
                CHECKPOINT,
                "the entries do not have the root the checkpoint names",
            )
        for path, seq, tile in tree.entries_wrong:
            self._problems.report("entries.hash", path, f"the bytes of entry {seq} do not have the hash in {tile}")
        for path in tree.chain_wrong:
            self._problems.report("tile.hash", path, "a hash is not the root of the tile below it")

    def _check_listing(self, size: int) -> None:
        """Nothing lies there that the checkpoint does not ask for."""
        strays, known = 0, {CHECKPOINT, VKEYS, README}
        if not self._linked or len(self._trusted.spans) > 1:
            known.add(RETIRED)
        try:
            for path, plain in self._folder.files():
                if plain and (path in known or _is_of(path, size)):
                    continue
                strays += 1
                if strays <= _SHOWN:
                    what = "a file" if plain else "something that is no plain file,"
                    self._problems.report("export.stray", _shown(path), f"{what} that is no part of this export")
        except Unreadable as error:
            self._problems.report("export.unreadable", _shown(str(error)), "the export cannot be listed whole")
        if strays > _SHOWN:
            self._problems.report("export.stray", ".", f"{strays - _SHOWN} more files that are no part of this export")

    def _check_pinned(self, pinned: Sequence[tuple[str, bytes]], tree: Tree, stated: Checkpoint | None) -> int:
        agreed = 0
        for name, data in pinned:
            try:
                kept = signed_note(data)
            except LedgerBroken as error:
                self._problems.report("pinned.malformed", name, error.what)
                continue
            if stated is not None and _of_another(kept, stated.origin):
                self._problems.report("pinned.origin", name, "it is of another log than this export")
                continue
            signed = self._open(kept, name, "pinned.signature")
            if signed is None or stated is None:
                continue
            pin = signed.checkpoint
            agreed += self._problems.expect(
                tree.root_at(self._folder, pin.size) == pin.root,
                "pinned.contradicted",
                name,
                f"the log's first {some(pin.size, 'entry is', 'entries are')} not those of this "
                "checkpoint, which was kept elsewhere"
                if pin.size <= tree.size
                else f"the export has {some(tree.size, 'entry', 'entries')}, {some(pin.size, 'was', 'were')} "
                "signed before: its tail was cut off, or it "
                "is older than this checkpoint",
            )
        return agreed


def _of_another(note: bytes, origin: str) -> bool:
    """Whether a note names another log; what is no checkpoint names none."""
    try:
        return stated_in(note).origin != origin
    except LedgerBroken:
        return False


def _plain(span: TrustedKey) -> TrustedKey:
    return replace(span, first_size=0)


def _is_of(path: str, size: int) -> bool:
    try:
        tile = parse_tile_path(path)
    except BadInput:
        return False
    return (tile.level or 0) < levels_of(size) and tile_at(tile.level, tile.number, size) == tile


def _shown(path: str) -> str:
    text = printable(path)
    return text if len(text) <= _SHOWN_PATH else text[:_SHOWN_PATH] + "…"
