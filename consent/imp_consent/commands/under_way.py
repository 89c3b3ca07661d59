"""What an answer says of messages that were under way when somebody withdrew, refused or was erased."""

from __future__ import annotations

from imp_core.counting import some

__all__ = ["under_way_text"]


def under_way_text(in_flight: int | None) -> str:
    """A line to append; empty where nothing is under way."""
    if not in_flight:
        return ""
    return f"\n{some(in_flight, 'message to them is', 'messages to them are')} under way and may still arrive"
