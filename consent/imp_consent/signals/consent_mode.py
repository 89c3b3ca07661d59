"""Google Consent Mode v2: what a page may tell Google's tags, and only that.

    format_states(consent_states(mapping, permitted))  ──▶  {"ad_personalization": "denied", …}  ──▶  parse_states

Every parameter is `granted` or `denied`. A parameter that no purpose is mapped to, or one of whose purposes the ledger
does not permit, is denied: what nobody knows is no consent (Google's EU user consent policy).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from imp_core.errors import BadInput

__all__ = ["DEFAULT_MAPPING", "PARAMETERS", "consent_states", "format_states", "parse_states", "read_mapping"]

PARAMETERS: Final = (
    "ad_storage",
    "ad_user_data",
    "ad_personalization",
    "analytics_storage",
    "functionality_storage",
    "personalization_storage",
    "security_storage",
)
GRANTED: Final = "granted"
DENIED: Final = "denied"
# Which purposes a parameter needs, all of them. The others are denied until imp.toml says what they stand for.
DEFAULT_MAPPING: Final[Mapping[str, tuple[str, ...]]] = {"analytics_storage": ("analytics",)}
_WHERE: Final = "imp.toml, [signals.consent_mode]"


def read_mapping(table: object) -> dict[str, tuple[str, ...]]:
    """The purposes each parameter needs, from `[signals.consent_mode]`; a parameter not in it is as by default.

    Raises:
        BadInput: not a table of lists of purposes, or a parameter that Consent Mode does not have.
    """
    if not isinstance(table, Mapping):
        raise BadInput(
            "must be a table",
            where=_WHERE,
            mend='write it like: ad_storage = ["marketing"] below a line [signals.consent_mode]',
        )
    mapping = dict(DEFAULT_MAPPING)
    for name, purposes in table.items():
        if name not in PARAMETERS:
            raise BadInput(f"Consent Mode has no such parameter: {str(name)[:40]!r}", where=_WHERE, mend=_KNOWN)
        if not isinstance(purposes, list) or not all(isinstance(one, str) and one for one in purposes):
            raise BadInput(f"{name} must be a list of purposes", where=_WHERE, mend=f'{name} = ["marketing.ads"]')
        mapping[name] = tuple(purposes)
    return mapping


def consent_states(mapping: Mapping[str, tuple[str, ...]], permitted: Callable[[str], bool]) -> dict[str, str]:
    """Every parameter's state; `permitted` says whether the ledger permits a purpose."""
    asked = {purpose: permitted(purpose) for purposes in mapping.values() for purpose in purposes}
    return {name: _state([asked[purpose] for purpose in mapping.get(name, ())]) for name in PARAMETERS}


def format_states(states: Mapping[str, str]) -> str:
    """The argument of `gtag("consent", "update", …)`: JSON with every parameter, in their order.

    Whatever is not exactly "granted" is written as denied.
    """
    return json.dumps({name: GRANTED if states.get(name) == GRANTED else DENIED for name in PARAMETERS})


def parse_states(text: str) -> dict[str, str]:
    """Read `format_states`, or what a page holds: a parameter that is missing or says something else is denied.

    Raises:
        BadInput: it is not a JSON object.
    """
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadInput(
            "not a JSON object of Consent Mode states", mend='like: {"ad_storage": "denied"}', where="Consent Mode"
        )
    return {name: GRANTED if found.get(name) == GRANTED else DENIED for name in PARAMETERS}


def _state(answers: list[bool]) -> str:
    return GRANTED if answers and all(answers) else DENIED


_KNOWN: Final = f"one of {', '.join(PARAMETERS)}"
