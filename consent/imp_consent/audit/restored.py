"""What restores account for: entries whose contents are lost, though their leaves stand in the log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from imp_consent.audit.leaves import Leaves
from imp_consent.audit.problem import Problems
from imp_consent.audit.retained import read_retained

__all__ = ["Restores", "lost_batches", "lost_documents", "read_restores"]


@dataclass(frozen=True, slots=True)
class Restores:
    """Ranges of seqs whose contents were lost, and how many leaves restores cut loose from anybody.

    `retained` are the seqs whose contents a retention destroyed (`imp_consent.audit.retained`).
    """

    ranges: tuple[range, ...] = ()
    leaves: int = 0
    retained: frozenset[int] = frozenset()

    def lost(self, seq: object) -> bool:
        """Whether a restore says that what this entry held is lost."""
        return any(seq in lost for lost in self.ranges)


def read_restores(leaves: Leaves, problems: Problems) -> Restores:
    """What the `restore` entries say; each may account only for entries before itself."""
    ranges: list[range] = []
    loose = 0
    for entry in leaves.of_type("restore"):
        start, stop, cut = (int(str(entry.fields.get(name))) for name in ("from", "to", "leaves"))
        if not 0 <= start <= stop <= entry.seq:
            problems.report("restore.range", f"entry {entry.seq}", "it accounts for entries that were not there")
            continue
        ranges.append(range(start, stop))
        loose += cut
    return Restores(tuple(ranges), loose, read_retained(leaves, problems))


def lost_batches(leaves: Leaves, documents: Mapping[str, bytes]) -> frozenset[int]:
    """The batches whose file was not there any more at the newest restore that says so."""
    lost: set[int] = set()
    for entry in leaves.of_type("restore"):
        lost.update(json.loads(documents.get(str(entry.fields.get("batches_lost")), b"[]")))
    return frozenset(lost)


def lost_documents(leaves: Leaves, documents: Mapping[str, bytes]) -> frozenset[str]:
    """The documents that restores found nowhere, by their SHA-256."""
    lost: set[str] = set()
    for entry in leaves.of_type("restore"):
        lost.update(json.loads(documents.get(str(entry.fields.get("documents")), b"[]")))
    return frozenset(lost)
