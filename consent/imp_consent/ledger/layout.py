"""Which tables and columns there are, as plain names: hot paths write SQL, and need no models for it.

`imp_consent.ledger.tables` declares the same as models, for the schema and its migrations; loading them takes half a
second. A test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["APPEND_ONLY", "FOREVER_SEQ", "FOREVER_US", "KEYS", "OPEN_DELIVERY", "SEALED", "SUMMED", "SYSTEM_LEAF",
           "UNSEALED"]  # fmt: skip

FOREVER_US: Final = 2**62  # the open end of event time, in microseconds; its negative is the beginning
FOREVER_SEQ: Final = 2**62  # the open end of knowledge, in ledger sizes
# What a system entry's canonical leaf begins with ({"actor":), as the words of the index ix_entry_system.
SYSTEM_LEAF: Final = "substr(leaf, 1, 9) = x'7b226163746f72223a'"
# Deliveries of chunks that are under way, or were when something died; as the words of the index ix_delivery_open.
OPEN_DELIVERY: Final = "status = 'intended'"
APPEND_ONLY: Final = ("entry", "node", "checkpoint", "notice", "policy")

# The columns of tables whose rows bear a MAC, in order and without it. Before the bar: the primary key.
_SEALED: Final = """
batch            batch | path sha256 source_sha256 format version n root first_day last_day collect_seq state
dedupe           event_id | batch
inbox            event_id | channel subject accepted_us body
outbox           id | channel pseudonym what due_us state
delivery         key intent | status code
lease            id | use_seq batches expires_us
erasure          subject | step requested_seq requested_us
enrolment_count  experiment phase variant day reason | n
spend            day tz channel campaign content revision | impressions clicks cost_micros currency reported_us
identifier       kind epoch pseudonym | subject loose pepper_id kek_id supp_id
subject_key      subject | wrapped kek_id next_i
suppression      token |
consent_state    subject purpose channel from_us from_seq | to_us to_seq permit reason entries
"""
_PARTED: Final = {
    line.split()[0]: (tuple(line.partition("|")[0].split()[1:]), tuple(line.partition("|")[2].split()))
    for line in _SEALED.strip().splitlines()
}
SEALED: Final[Mapping[str, tuple[str, ...]]] = {name: (*keys, *others) for name, (keys, others) in _PARTED.items()}
# Tables whose set of rows `log_state.sums` authenticates: a checkpoint proves itself, but not that none was taken away.
UNSEALED: Final[Mapping[str, tuple[str, ...]]] = {"checkpoint": ("size", "root", "note")}
SUMMED: Final = (*SEALED, *UNSEALED)
_CHECKPOINT: Final = {"checkpoint": ("size",)}
KEYS: Final[Mapping[str, tuple[str, ...]]] = {name: keys for name, (keys, _) in _PARTED.items()} | _CHECKPOINT
