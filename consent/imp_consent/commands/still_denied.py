"""What an answer without a channel says of channels of which it does not hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from imp_consent.policy.decide import Reason
from imp_consent.policy.explain import what_changes

__all__ = ["permitted_text", "still_denied_text"]

_WORDS: Final[Mapping[str, str]] = {Reason.CHANNEL_OPT_OUT: "opted out"}
_ENDED_BY_A_YES: Final = frozenset({Reason.CHANNEL_OPT_OUT, Reason.REFUSED, Reason.WITHDRAWN})


def _change(reason: str, channel: str) -> str:
    if reason in _ENDED_BY_A_YES:
        return f"only a later yes of the person for {channel} would change it"
    words = what_changes(reason)
    return words[:1].lower() + words[1:].removesuffix(".")


def still_denied_text(denied: Mapping[str, str]) -> str:
    """Lines to append, one a channel; empty where there is none."""
    return "".join(
        f"\nstill {_WORDS.get(reason, reason)} on the channel {channel}: {_change(reason, channel)}"
        for channel, reason in denied.items()
    )


def permitted_text(channels: Sequence[str]) -> str:
    """Lines to append, one a channel on which there is a yes while there is none without one; empty where none is."""
    return "".join(
        f"\npermitted on the channel {channel}, and there alone: ask with --channel {channel}" for channel in channels
    )
