"""What to do about each kind of problem that an audit finds: by its code, the same words for all of a kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["MENDS"]

_GROUPS: Final[Mapping[str, str]] = {
    "stop writing, keep a copy as evidence, and put the database back as it was: imp restore BACKUP": """
        database.damaged database.unreadable ledger.broken
        schema.missing schema.added schema.changed schema.columns
        head.rows head.mac head.size head.frontier head.sums row.mac row.type table.sum
        entry.seq entry.gap entry.hash entry.leaf entry.link node.missing node.unknown node.hash leaves.balance
        checkpoint.row checkpoint.ahead checkpoint.root checkpoint.unknown log.rewritten
        payload.orphan payload.missing payload.foreign payload.sealed payload.commitment state.orphan state.differs
        person.leaf-missing person.leaf-beyond person.loss-unsaid person.order identifier.orphan
        document.changed document.missing document.unnamed restore.range retention.range
        inbox.taken inbox.closed inbox.form
        send.closed send.counts send.keys send.missing send.results send.rows send.twice send.unnamed
        batch.dead batch.entry batch.missing batch.named batch.rows batch.twice batch.unknown batch.unregistered""",
    "put the newest ledger.db back; if it is lost: imp restore BACKUP": "log.rolled-back database.unusable",
    "a backup was put in place by hand: put it back with imp restore, which erases them again": """
        erased.alive suppression.missing""",
    "put the newest keys back, of this ledger: imp.toml, ledger.db and the keys folder go together": """
        head.keys head.log keys.chain keys.hand-over keys.head keys.missing keys.stale""",
    "put the file back from the keys' backup; if it is lost: imp audit checkpoint --without-previous": """
        checkpoint.absent checkpoint.unreadable""",
    "use the key that was in use then (an export that is checked with any key of its log names the one in use now); "
    "on the operator's premises, put the newest keys back": "checkpoint.signature pinned.signature",
    "put the file back from the keys' backup, or move it away: imp audit checkpoint then writes it anew": """
        copy.short copy.differs copy.unreadable documents.absent documents.missing documents.unreadable""",
    "put the newest one back from the keys' backup: without it a restore would bring erased people back": """
        tombstones.changed tombstones.short""",
    "put it back from the keys' backup, or write it anew: imp keys rotate kek --execute": """
        survivors.absent survivors.changed""",
    "put the file back from the archive's backup; if it is lost, imp restore of a backup goes on without it": """
        archive.missing archive.changed archive.unreadable archive.outside""",
    "nothing reads it: find out who put it there, and move it out of archive/": "archive.unregistered",
    "nothing to do: whoever writes next ends or removes it": """
        archive.unfinished keys.unfinished keys.unsettled send.open""",
    "nothing to do: a restore said so": "document.lost",
    "finish it: imp consent erase --resume": "erasure.begun",
    "nothing brings them back: destroy every backup of the ledger from before that entry": "tombstones.lost",
    "this is another history than the one you kept a checkpoint of: keep both, and ask whoever runs the log": """
        pinned.contradicted log.root""",
    "get the file again from where you kept it": "pinned.malformed",
    "name a checkpoint that this log signed: its first line is the log's name, as in the export's own": "pinned.origin",
    "keep this copy, and have it made again: imp audit export DIR": """
        checkpoint.malformed checkpoint.missing entries.hash entries.leaf entries.malformed entries.missing
        tile.hash tile.malformed tile.missing vkey.malformed vkey.missing vkey.retired.missing
        export.stray export.unreadable""",
    "ask whoever runs the log which keys it had, on another way than this copy came": """
        keys.handover vkey.listed vkey.retired vkey.unknown""",
    "have it made again: imp audit prove, imp consent receipt or proof; if it fails again, it is not in the log": """
        bundle.checkpoints bundle.notice bundle.record bundle.statement
        proof.commitment proof.consistency proof.inclusion proof.leaf proof.malformed""",
}  # fmt: skip

MENDS: Final[Mapping[str, str]] = MappingProxyType(
    {code: mend for mend, codes in _GROUPS.items() for code in codes.split()}
)
