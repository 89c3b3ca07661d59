"""A no that names a law, a place or a notice that there is none of: it is taken, and whoever gave it is told."""

from __future__ import annotations

from imp_consent.policy.door import Door
from imp_consent.policy.notice import RegisteredNotice
from imp_consent.policy.saying import Saying
from imp_core.errors import BadInput

__all__ = ["names_what_is_none"]


def names_what_is_none(door: Door, said: Saying, notice: RegisteredNotice | None) -> bool:
    """Whether the door could not take a no as it is worded; `notice` is the one it rests on there."""
    if said.notice is not None and notice is None:
        return True
    if said.regimes is None and said.jurisdiction is None:
        return False
    try:
        door.rules_strictly(said)
    except BadInput:
        return True
    return False
