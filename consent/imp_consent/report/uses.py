"""Uses of a period, gathered by plugin, purposes, action and actor; and those that were flagged."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from imp_consent.audit.flagged import Flagged
from imp_consent.audit.uses import DONE, RecordedUse
from imp_consent.report.report import Cell, FlaggedUse, UseGroup
from imp_consent.report.seqs import format_seqs
from imp_core.clock import format_time
from imp_core.suppress import hidden, hidden_together

__all__ = ["cell", "flagged_uses", "use_groups"]

_Group = tuple[str, tuple[str, ...], str, str]


def cell(counts: Iterable[int], k: int) -> Cell:
    """Counts of several uses as one that may be shown beside them.

    A use's own count of 1 to k - 1 is nowhere shown. So the sum holds those only if they come to at least k (it takes
    two for that): else the sum would tell them.
    """
    told = [n for n in counts if n]
    small = [n for n in told if hidden(n, k) is None]
    rest = sum(told) - sum(small)
    if small and sum(small) < k:  # one alone always does
        return Cell(n=rest, few=True)
    return Cell(n=rest + sum(small), few=False)


def use_groups(uses: Sequence[RecordedUse], *, k: int, period: str) -> list[UseGroup]:
    """The uses by plugin, purposes, action and actor, in that order; `period` are a command's words for the period."""
    groups: dict[_Group, list[RecordedUse]] = {}
    for use in uses:
        groups.setdefault((use.plugin, use.purposes, use.action, use.actor), []).append(use)
    return [_group(key, members, k, period) for key, members in sorted(groups.items())]


def flagged_uses(uses: Sequence[RecordedUse], flags: Mapping[int, Flagged], *, k: int) -> list[FlaggedUse]:
    """The flagged among the uses, oldest first."""
    return [_flagged(use, flags[use.seq], k) for use in uses if use.seq in flags]


def _group(key: _Group, members: Sequence[RecordedUse], k: int, period: str) -> UseGroup:
    plugin, purposes, action, actor = key
    reasons = sorted({reason for use in members for reason in use.denied})
    of_purpose = f" --purpose {shlex.quote(purposes[0])}" if purposes else ""
    return UseGroup(
        plugin=plugin,
        purposes=purposes,
        action=action,
        actor=actor,
        uses=len(members),
        unfinished=sum(use.state != DONE for use in members),
        permitted=cell((use.permitted or 0 for use in members), k),
        denied={reason: cell((use.denied.get(reason, 0) for use in members), k) for reason in reasons},
        entries=format_seqs(seq for use in members for seq in use.seqs),
        command=f"imp audit uses --plugin {shlex.quote(plugin)}{of_purpose}{period}",
    )


def _flagged(use: RecordedUse, flag: Flagged, k: int) -> FlaggedUse:
    people = hidden(flag.people, k)
    # of few people the entries would tell how many: `imp audit uses --flagged` has them
    deny = [] if flag.entries is None or people is None else [flag.entries]
    entries = format_seqs(use.seqs, deny)
    return FlaggedUse(
        seq=use.seq,
        at=format_time(use.at_us),
        plugin=use.plugin,
        purposes=use.purposes,
        actor=use.actor,
        people=people,
        reasons=hidden_together(flag.reasons, k),  # what one leaves of all people would tell another
        entries=entries,
        command=f"imp audit entries {entries}",
    )
