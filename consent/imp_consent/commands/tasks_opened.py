"""The erasure that a no opens by itself, where the law wants one without being asked: told at once, not found later."""

from __future__ import annotations

from dataclasses import dataclass

from imp_consent.ledger.reader import Reader
from imp_consent.policy.requested import requester
from imp_core.clock import format_time
from imp_core.counting import some

__all__ = ["TaskOpened", "count_tasks", "task_opened", "task_text", "tasks_text"]


@dataclass(frozen=True, slots=True)
class TaskOpened:
    """A request that nobody made: its id and kind, by when it is to be answered, and whether that is over already.

    `due` is ISO 8601; None: no regime sets a clock.
    """

    request: str
    kind: str
    due: str | None
    overdue: bool


def task_opened(reader: Reader, subject: int, *, since: int, now_us: int) -> TaskOpened | None:
    """What was opened of a person's without being asked for, from an entry on; None: nothing was."""
    for entry in reader.system_entries("request", since=since):
        id_, due = str(entry.fields.get("id")), entry.fields.get("due")
        if entry.fields.get("task") and requester(reader, entry.seq, id_) == subject:
            due_us = due if isinstance(due, int) else None
            shown = None if due_us is None else format_time(due_us)
            return TaskOpened(id_, str(entry.fields.get("kind")), shown, due_us is not None and due_us < now_us)
    return None


def count_tasks(reader: Reader, *, since: int) -> int:
    """How many were opened of anybody's, from an entry on."""
    return sum(bool(entry.fields.get("task")) for entry in reader.system_entries("request", since=since))


def task_text(task: TaskOpened | None) -> str:
    """A line to append; empty where there is none."""
    if task is None:
        return ""
    due = f", {'overdue since' if task.overdue else 'due'} {task.due}" if task.due else ""
    how = f"imp consent {task.kind} KIND:VALUE --execute"
    return f"\nthe law wants their data erased, nobody has to ask: request {task.request} ({task.kind}){due}: {how}"


def tasks_text(count: int) -> str:
    """The same of many."""
    if not count:
        return ""
    opened = some(count, "erasure that nobody has to ask for was", "erasures that nobody has to ask for were")
    return f"\n{opened} opened; see: imp consent requests list"
