"""What an answer says of channels whose own no outlives a yes without a channel."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["still_denied_text"]


def still_denied_text(denied: Mapping[str, str]) -> str:
    """Lines to append, one a channel; empty where there is none."""
    return "".join(
        f"\nstill {reason} on the channel {channel}: record it with --channel {channel}"
        for channel, reason in denied.items()
    )
