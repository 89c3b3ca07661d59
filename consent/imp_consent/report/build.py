"""Puts an audit report together from one snapshot of the ledger and one verification."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from imp_consent.audit.flagged import find_flagged
from imp_consent.audit.uses import UseFilter, read_uses
from imp_consent.audit.verify import Verification
from imp_consent.ledger.entry import SYSTEM_TYPES
from imp_consent.ledger.reader import Reader
from imp_consent.plane.schedule import read_schedule
from imp_consent.report.consent import consent_by_purpose, times_between
from imp_consent.report.events import EVENT_TYPES, KEY_TYPES, NOTICE_TYPES, RETENTION_TYPES, told_events
from imp_consent.report.report import SCHEMA_ID, Checked, Event, Report, RequestClock, Retention
from imp_consent.report.uses import flagged_uses, use_groups
from imp_consent.rights.requests import Request, read_requests
from imp_core.clock import SECOND_US, format_time
from imp_core.errors import BadInput
from imp_core.ports import SystemEntry
from imp_core.workspace import Workspace

__all__ = ["build_report"]


def build_report(
    reader: Reader,
    workspace: Workspace,
    checked: Verification,
    note: str | None,
    *,
    from_us: int | None,
    to_us: int | None,
    now_us: int,
) -> Report:
    """The report of a period, [from_us, to_us): from the first entry (None), up to now (None).

    `checked` and `note` are what verification found and the newest checkpoint outside.

    Raises:
        BadInput: the period has not begun, or the ledger is younger than it.
        LedgerBroken: the ledger cannot be read.
    """
    system = [entry for type_ in sorted(SYSTEM_TYPES) for entry in reader.system_entries(type_)]
    since_us = min((entry.at_us for entry in system), default=now_us)
    begins_us = since_us if from_us is None else from_us
    present_us = (now_us // SECOND_US + 1) * SECOND_US  # so that what was recorded right now is in it
    ends_us = present_us if to_us is None else min(to_us, present_us)
    if begins_us >= ends_us:
        raise BadInput("the period has not begun yet, or is empty", where="--from", mend="name one in the past")
    k, words = workspace.k, f" --from {format_time(begins_us)} --to {format_time(ends_us)}"
    wanted = UseFilter(from_us=begins_us, to_us=ends_us)
    uses = read_uses(reader, wanted)
    within = [entry for entry in system if begins_us <= entry.at_us < ends_us]
    return Report(
        schema=SCHEMA_ID,
        controller=workspace.controller,
        log=workspace.log_id,
        made=format_time(now_us),
        begins=format_time(begins_us),
        ends=format_time(ends_us),
        k=k,
        size=reader.size,
        consent=consent_by_purpose(
            reader, times_between(begins_us, ends_us), k=k, period=words, since_us=since_us, now_us=now_us
        ),
        uses=use_groups(uses, k=k, period=words),
        flagged=flagged_uses(uses, find_flagged(reader, uses), k=k),
        requests=[
            _clock(request, now_us)
            for request in read_requests(reader)
            if request.received_us < ends_us and (request.answered_us is None or request.answered_us >= begins_us)
        ],
        keys=_events(within, KEY_TYPES, k),
        notices=_events(within, NOTICE_TYPES, k),
        retention=Retention(settings=_periods(workspace), runs=_events(within, RETENTION_TYPES, k)),
        events=_events(within, EVENT_TYPES, k),
        counts=_counted(within),
        verification=_checked(checked, note),
    )


def _periods(workspace: Workspace) -> dict[str, int]:
    schedule = read_schedule(workspace.config)
    kept = {f"events of type {name}": days for name, days in schedule.archive.items()}
    kept |= {"proof of consent, after the last permission ended": schedule.evidence or 0}
    kept |= {"what people asked, after it was answered": schedule.requests or 0}
    return {name: days for name, days in kept.items() if days}


def _events(entries: Iterable[SystemEntry], types: Sequence[str], k: int) -> list[Event]:
    return told_events((entry for entry in entries if entry.type in types), k)


def _counted(entries: Iterable[SystemEntry]) -> dict[str, int]:
    return dict(sorted(Counter(entry.type for entry in entries).items()))


def _clock(request: Request, now_us: int) -> RequestClock:
    if request.outcome is None:
        state = "overdue" if request.overdue(now_us) else "open"
    else:
        state = "late" if request.late else "in time"
    return RequestClock(
        id=request.id,
        seq=request.seq,
        kind=request.kind,
        regimes=request.regimes,
        received=format_time(request.received_us),
        due=None if request.due_us is None else format_time(request.due_us),
        extended=request.extended is not None,
        outcome=request.outcome,
        answered=None if request.answered_us is None else format_time(request.answered_us),
        state=state,
    )


def _checked(found: Verification, note: str | None) -> Checked:
    return Checked(
        ok=found.ok,
        size=found.size,
        root=found.root,
        checkpoint_size=found.checkpoint_size,
        after_checkpoint=found.after_checkpoint,
        problems=[f"{problem.code}: {problem.sentence}" for problem in found.problems],
        note=note,
    )
