"""What writers do to a shop's keys: each change told of before and after, with the ids of both keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from benchmarks.campaign.desk import Desk
from imp_consent.ledger.rotate import refuse_retirement, retire, rotate
from imp_consent.ledger.wrap import wrap
from imp_core.errors import CheckFailed

__all__ = ["KEY_CHANGES", "KEY_DEEDS"]

_ROTATED: Final = ("pepper", "row", "sign")
_WRAPPED: Final = ("pepper", "supp")

# Every deed that changes a key, and the purpose and action of the entry that says so.
KEY_CHANGES: Final[Mapping[str, tuple[str, str]]] = {
    "ratchet": ("kek", "rotate"),
    **{f"rotate-{purpose}": (purpose, "rotate") for purpose in _ROTATED},
    **{f"wrap-{purpose}": (purpose, "wrap") for purpose in _WRAPPED},
    "retire": ("pepper", "retire"),
}


def _rotate(desk: Desk, purpose: str) -> None:
    with desk.teller.trying(f"rotate-{purpose}") as answer:
        done = rotate(desk.log, purpose)
        answer |= {"seq": done.seq, "id": done.id, "previous": done.previous}


def _wrap(desk: Desk, purpose: str) -> None:
    with desk.teller.trying(f"wrap-{purpose}") as answer:
        done = wrap(desk.log, purpose)
        answer |= {"seq": done.seq, "id": done.id, "previous": done.previous}


def _retire(desk: Desk) -> None:
    """A pepper that finds nobody; where there is none, it is made: rotated twice, with nobody met in between."""
    key_id = _useless(desk)
    if key_id is None:
        _rotate(desk, "pepper")
        _rotate(desk, "pepper")
        key_id = _useless(desk)
    if key_id is None:
        return  # others were faster
    with desk.teller.trying("retire", key=key_id) as answer:
        done = retire(desk.log, key_id)
        answer |= {"seq": done.seq, "id": done.id, "previous": done.previous}


def _useless(desk: Desk) -> str | None:
    """The id of a pepper that may be retired."""
    with desk.log.read() as reader:
        for key in reversed(reader.keyring.peppers()):
            try:
                return refuse_retirement(reader, key.id).id
            except CheckFailed:
                continue
    return None


KEY_DEEDS: Final[Mapping[str, Callable[[Desk], None]]] = {
    **{f"rotate-{purpose}": partial(_rotate, purpose=purpose) for purpose in _ROTATED},
    **{f"wrap-{purpose}": partial(_wrap, purpose=purpose) for purpose in _WRAPPED},
    "retire": _retire,
}
