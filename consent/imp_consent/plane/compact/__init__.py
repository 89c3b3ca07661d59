"""Compaction: what waits in the inbox becomes batches, and small files of the archive become one."""

from imp_consent.plane.compact.collect import Collected, collect_waiting, collecting
from imp_consent.plane.compact.compact import BELOW, Compacted, compact
from imp_consent.plane.compact.merge import Left, Merged

__all__ = ["BELOW", "Collected", "Compacted", "Left", "Merged", "collect_waiting", "collecting", "compact"]
