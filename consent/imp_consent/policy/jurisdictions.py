"""Jurisdictions: the codes of places that there are, from `jurisdictions.tsv`, and which of them lie in one another."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Final

from imp_core.errors import BadInput

__all__ = ["EVERYWHERE", "check_jurisdiction", "holds_in", "is_code", "place_name"]

EVERYWHERE: Final = "*"
_CODE: Final = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")
_FILE: Final = Path(__file__).with_name("jurisdictions.tsv")
_SUCH_AS: Final = "a country by ISO 3166-1, such as FR, GB or CN, or a region of one, such as US-CA"
_MEANT: Final = {"UK": "GB", "EL": "GR"}  # as the institutions of the Union write them


def is_code(text: str) -> bool:
    """Whether it has the form of a jurisdiction's code; there may be none of it."""
    return _CODE.fullmatch(text) is not None


def check_jurisdiction(code: str, regions: Iterable[str] = ()) -> str:
    """The code itself, if it is a country's or a region's; `regions` are further codes that regimes know.

    Raises:
        BadInput: it is none. It is not repeated.
    """
    if not is_code(code):
        near = code.strip().upper()
        mend = f"write it {near}" if near in _known() else _SUCH_AS
        raise BadInput("not a jurisdiction", where="jurisdiction", mend=mend)
    country, _, region = code.partition("-")
    if country not in _known():
        meant = _MEANT.get(country)
        raise BadInput("no such country", where="jurisdiction", mend=f"write it {meant}" if meant else _SUCH_AS)
    known = {word for word in (*_known(), *regions) if word.startswith(f"{country}-")}
    if region and known and code not in known:
        like = get_close_matches(code, sorted(known), n=4) or sorted(known)[:4]
        mend = f"such as {', '.join(sorted(like))}; or the country alone: {country}"
        raise BadInput(f"no such region of {country}", where="jurisdiction", mend=mend)
    return code


def holds_in(places: Iterable[str], code: str) -> bool:
    """Whether what holds in these places may hold in one: in it, in what it lies in, or in a part of it."""
    return any(
        place in (EVERYWHERE, code) or code.startswith(f"{place}-") or place.startswith(f"{code}-") for place in places
    )


def place_name(code: str) -> str | None:
    """The usual name in English of a country or a region that is known by itself; None: there is no such place."""
    return _known().get(code)


@cache
def _known() -> dict[str, str]:
    rows = _FILE.read_text(encoding="utf-8").splitlines()
    places = (row.partition("\t") for row in rows if not row.startswith("#"))
    return {code: name.strip() for code, _, name in places}
