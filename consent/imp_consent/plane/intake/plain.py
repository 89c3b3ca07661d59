"""Fields that are stored as they come: what looks like an address or a telephone number does not belong in them.

A mapping that takes the wrong column would otherwise keep raw identifiers where no erasure looks for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import attrgetter
from typing import Final

from imp_core.event import RawEvent

__all__ = ["identifier_field", "looks_like_identifier"]

# Every text column of the archive that is neither keyed nor held to a list.
_PLAIN: Final = (
    "channel", "campaign", "content", "placement", "partner", "place", "name", "interaction", "stage", "experiment",
    "variant", "unit_kind", "stratum", "trait_key", "trait_value",
)  # fmt: skip
_PROPS: Final = "props"
_NUMBERED: Final = frozenset({"campaign", "content", "placement", "partner", "trait_value", _PROPS})
_plain_texts = attrgetter(*_PLAIN)

_AT = re.compile(r"\S(?:@|%40)\S")
_ADDRESS = re.compile(r"\S(?:@|%40)[^\s@]+\.[^\W\d]{2}")
_DIGITS = r"[0-9](?:[\s().\-/]*[0-9]){%d,}"
_PHONE = re.compile(rf"(?<![^\s:])[+\uff0b][\s(]*{_DIGITS % 6}|\A[\s(]*{_DIGITS % 9}[\s)]*\Z")
_BARE = re.compile(r"\s*[0-9]+\s*")
# Nearly every event has neither: one look at all its texts settles that.
_SUSPECT = re.compile(rf"@|%40|{_DIGITS % 6}")


def identifier_field(event: RawEvent, allowed_props: frozenset[str]) -> str | None:
    """The first field whose text looks like an identifier and would be stored as it is; None where there is none."""
    texts = _plain_texts(event)
    if _SUSPECT.search("\n".join(filter(None, texts))) is not None:
        for name, text in zip(_PLAIN, texts, strict=True):
            if text and looks_like_identifier(name, text):
                return name
    return _property(event.props, allowed_props) if event.props and allowed_props else None


def looks_like_identifier(name: str, text: str) -> bool:
    """Whether a field's text looks like an e-mail address or a telephone number.

    Content is `atom@version`, so there only a whole address counts. Bare digits do not count where they are at home:
    platforms number campaigns and what is in them, and a trait or property may be a time or an amount.
    """
    address = _ADDRESS if name == "content" else _AT
    if address.search(text):
        return True
    return bool(_PHONE.search(text)) and not (name in _NUMBERED and _BARE.fullmatch(text))


def _property(props: Mapping[str, str | int | bool], allowed: frozenset[str]) -> str | None:
    kept = (str(value) for key, value in props.items() if key in allowed and not isinstance(value, bool))
    return _PROPS if any(looks_like_identifier(_PROPS, text) for text in kept) else None
