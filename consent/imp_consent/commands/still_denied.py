"""What an answer says of channels whose own no outlives a yes without a channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from imp_consent.policy.decide import Reason
from imp_consent.policy.explain import what_changes

__all__ = ["still_denied_text"]

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
