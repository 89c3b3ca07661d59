"""What an answer says of channels whose own no outlives a yes without a channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from imp_consent.policy.decide import Reason

__all__ = ["still_denied_text"]

_WORDS: Final[Mapping[str, str]] = {Reason.CHANNEL_OPT_OUT: "opted out"}


def still_denied_text(denied: Mapping[str, str]) -> str:
    """Lines to append, one a channel; empty where there is none."""
    return "".join(
        f"\nstill {_WORDS.get(reason, reason)} on the channel {channel}: record it with --channel {channel}"
        for channel, reason in denied.items()
    )
