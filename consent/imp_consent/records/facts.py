"""What a record of consent says of the controller, from `[records]` of imp.toml.

```
[records]
address = "1 High Street, Dublin, Ireland"
contact = "privacy@shop.example"      # where people reach whoever answers for the data
storage = ["IE"]                      # where the data lies: ISO 3166 codes, or words
retention = "P3Y"                     # how long: an ISO 8601 duration, or words
rights = "https://shop.example/you"   # where rights are exercised (without it: the contact)
```

The jurisdiction is `[policy] jurisdiction`, the name `[workspace] controller`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from imp_core.errors import BadInput

__all__ = ["Facts", "read_facts"]

_TABLE: Final = "records"
_EXAMPLES: Final = {
    "address": '"1 High Street, Dublin, Ireland"',
    "contact": '"privacy@shop.example"',
    "storage": '["IE"]',
    "retention": '"P3Y"',
}
_OPTIONAL: Final = ("rights",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The controller's party fields and what holds for all of its processing (ISO/IEC TS 27560 6.3.4, 6.3.6).

    `storage` are places, `retention` a duration or words, `rights` where people exercise theirs, `jurisdiction` the one
    that holds where a record says no other.
    """

    name: str
    address: str
    contact: str
    storage: tuple[str, ...]
    retention: str
    rights: str
    jurisdiction: str


def read_facts(config: Mapping[str, Any], controller: str) -> Facts:
    """The facts in a workspace's settings.

    Raises:
        BadInput: some of what ISO/IEC TS 27560 makes mandatory is not said; the message names all of it.
    """
    table = config.get(_TABLE, {})
    if not isinstance(table, dict):
        raise BadInput(
            f"[{_TABLE}] is not a table",
            where="imp.toml",
            mend=f"write it as a line [{_TABLE}] with its settings below it",
        )
    unknown = sorted(set(table) - set(_EXAMPLES) - set(_OPTIONAL))
    if unknown:
        raise BadInput(f"[{_TABLE}] knows no {unknown[0]}", where="imp.toml", mend=f"it knows: {', '.join(_known())}")
    policy = config.get("policy", {})
    jurisdiction = policy.get("jurisdiction") if isinstance(policy, dict) else None
    missing = [f"[{_TABLE}] {name} = {text}" for name, text in _EXAMPLES.items() if not table.get(name)]
    if not jurisdiction:
        missing.append('[policy] jurisdiction = "IE"')
    if missing:
        raise BadInput(
            "a record by ISO/IEC TS 27560 says who answers for the data, where it lies and how long: not said yet",
            where="imp.toml",
            mend=f"say it: {'; '.join(missing)}",
        )
    for name in ("address", "contact", "retention", *_OPTIONAL):
        _check_line(table.get(name, "-"), f"[{_TABLE}] {name}")
    storage = table["storage"]
    places = [storage] if isinstance(storage, str) else storage
    if not isinstance(places, list):
        raise BadInput(
            f"[{_TABLE}] storage is not a list of texts", where="imp.toml", mend='write it like: storage = ["IE"]'
        )
    for place in (*places, jurisdiction):
        _check_line(place, "a place")
    return Facts(
        name=controller,
        address=table["address"],
        contact=table["contact"],
        storage=tuple(places),
        retention=table["retention"],
        rights=str(table.get("rights", table["contact"])),
        jurisdiction=str(jurisdiction),
    )


def _known() -> tuple[str, ...]:
    return (*_EXAMPLES, *_OPTIONAL)


def _check_line(value: object, name: str) -> None:
    if not (isinstance(value, str) and value.strip() and value.isprintable()):
        raise BadInput(f"{name} is not one line of text", where="imp.toml", mend="write it in quotes")
