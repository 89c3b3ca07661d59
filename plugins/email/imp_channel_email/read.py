"""From a source to signals: its messages numbered from 1, and what each reports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from imp_channel_email.messages import read_messages
from imp_channel_email.report import read_report
from imp_core.event import RowFault, Signal

__all__ = ["read_reports"]


def read_reports(path: Path, *, now_us: int) -> Iterator[Signal | RowFault]:
    """Stream the signals of a source; messages that are no reports are passed over.

    Raises:
        BadInput: the source as a whole cannot be read.
    """
    for number, message in enumerate(read_messages(path), 1):
        yield from read_report(message, row=number, now_us=now_us)
