"""What an answer says of messages that were under way when somebody withdrew, refused or was erased."""

from __future__ import annotations

__all__ = ["under_way_text"]


def under_way_text(in_flight: int | None) -> str:
    """A line to append; empty where nothing is under way."""
    if not in_flight:
        return ""
    some = "1 message to them is" if in_flight == 1 else f"{in_flight} messages to them are"
    return f"\n{some} under way and may still arrive"
