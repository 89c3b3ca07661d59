"""A no of somebody nobody knew: it is recorded, and may have been meant for another name, where it ends nothing."""

from __future__ import annotations

from typing import Final

from imp_consent.commands.places import Places
from imp_consent.ledger.alike import subjects_alike
from imp_consent.ledger.reader import Reader
from imp_core.counting import some
from imp_core.event import RawId

__all__ = ["UNKNOWN_UNTIL_NOW", "is_unknown", "of_whom", "unknown_noes"]

_SPELT: Final = "a no under another name than the yes takes nothing back"
UNKNOWN_UNTIL_NOW: Final = (
    f"nobody was known by this identifier until now: if they should be, look how it is spelt, and its kind; {_SPELT}"
)
_OF_THOSE_ALIKE: Final = (
    "who had this identifier was erased: it was recorded of those known by another spelling of it, who may be them"
)


def is_unknown(reader: Reader, raw: RawId) -> bool:
    """Whether nobody is known by an identifier, nor by another spelling of it.

    Raises:
        BadInput: the identifier is malformed.
    """
    return reader.find_subject(raw) is None and not subjects_alike(reader, raw)


def of_whom(reader: Reader, raw: RawId, *, unknown: bool) -> tuple[str, ...]:
    """What is said of a no that was recorded: whether it may be somebody else's; `unknown`: nobody was known before.

    Raises:
        BadInput: the identifier is malformed.
    """
    if reader.find_subject(raw) is None:
        return (_OF_THOSE_ALIKE,)
    return (UNKNOWN_UNTIL_NOW,) if unknown else ()


def unknown_noes(places: Places, counted: str) -> tuple[str, ...]:
    """What is said of the noes in a file that are of people unknown until then; nothing where there are none."""
    if not places.count:
        return ()
    whose = "is of somebody" if places.count == 1 else "are of people"
    noes = some(places.count, "withdrawal")
    return (f"{noes} {whose} unknown until now {places.text(counted)}: look how the file spells them; {_SPELT}",)
