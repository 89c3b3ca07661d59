"""Whether a saying's words can be meant at all: known purpose and channel, a time that has come, texts of one line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from imp_consent.ledger.entry import EVERY_PURPOSE
from imp_consent.policy.misnamed import unknown_channel, unknown_purpose
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import PERMITTING_TYPES
from imp_core.errors import BadInput

__all__ = ["check_words", "is_one_line"]

_CHANNEL: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_MAX_WORDS: Final = 300


def check_words(said: Saying, purposes: Iterable[str], channels: Iterable[str], *, now_us: int) -> None:
    """Look at a saying's purpose, time, channel and texts.

    Raises:
        BadInput: one of them cannot be meant; `where` names it.
    """
    known = frozenset(purposes)
    if said.purpose not in known and (said.type in PERMITTING_TYPES or not _is_above(said.purpose, known)):
        raise unknown_purpose(said.purpose, known, where="purpose")
    problem = "a time before 1970" if said.at_us < 0 else "a time to come" if said.at_us > now_us else None
    if problem is not None:
        raise BadInput(problem, where="at", mend="record what has been said, when it was said")
    _check_channel(said.channel, frozenset(channels))
    texts = [
        ("action", said.action),
        ("evidence", said.evidence),
        *(("grounds", text) for text in said.grounds.values()),
    ]
    for name, text in texts:
        if text is not None and not is_one_line(text):
            raise BadInput("not one line of at most 300 characters", where=name, mend="shorten it, or leave it out")


def is_one_line(text: str) -> bool:
    """Whether what somebody wrote of an entry can be kept with it."""
    return text.isprintable() and 0 < len(text) <= _MAX_WORDS


def _check_channel(channel: str, known: frozenset[str]) -> None:
    if channel and not _CHANNEL.fullmatch(channel):
        raise BadInput("not a name of a channel", where="channel", mend="lower-case, such as email or sms")
    if channel and channel not in known:
        # a withdrawal under a misspelt name would stop nothing
        raise unknown_channel(channel, known, where="channel")


def _is_above(purpose: str, known: frozenset[str]) -> bool:
    """Whether it is every purpose, or one that others are below."""
    return purpose == EVERY_PURPOSE or any(name.startswith(f"{purpose}.") for name in known)
