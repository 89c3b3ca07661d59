"""What retention accounts for: entries of people whose words were past their time, and are destroyed.

Only what a person asked may go so: such an entry stands right before the open `request` entry that tells of it. Nothing
that a gate reads is among it, so that nobody hides a withdrawal behind a schedule.
"""

from __future__ import annotations

from imp_consent.audit.leaves import Leaves
from imp_consent.audit.problem import Problems

__all__ = ["read_retained"]


def read_retained(leaves: Leaves, problems: Problems) -> frozenset[int]:
    """The seqs of the payloads that `retention` entries say were destroyed."""
    requested = {entry.seq for entry in leaves.of_type("request")}
    removed: set[int] = set()
    for entry in leaves.of_type("retention"):
        named = entry.fields.get("payloads", ())
        seqs = {seq for seq in named if isinstance(seq, int)} if isinstance(named, list | tuple) else set()
        strange = sorted(seq for seq in seqs if seq + 1 not in requested or seq >= entry.seq)
        sentence = "it accounts for the contents of entries that are no requests"
        problems.expect(not strange, "retention.range", f"entry {entry.seq}", sentence)
        removed |= seqs - set(strange)
    return frozenset(removed)
