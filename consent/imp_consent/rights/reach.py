"""How people reach the controller for their rights, as `imp.toml` says it (GDPR 7(3), 12(2), 13(1)(a) and (b))."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Reach", "read_reach"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where to write: `[records]` address, contact and rights, and `[processing]` dpo; None where nobody said."""

    address: str | None
    contact: str | None
    rights: str | None
    dpo: str | None

    @property
    def lines(self) -> tuple[str, ...]:
        """Address, contact and where rights are exercised, each once."""
        said = (self.address, self.contact, self.rights)
        return tuple(dict.fromkeys(line for line in said if line))


def read_reach(config: Mapping[str, Any]) -> Reach:
    """What the settings say; what is no line of text there is refused where records are made of it."""
    records, processing = config.get("records", {}), config.get("processing", {})
    return Reach(
        address=_line(records, "address"),
        contact=_line(records, "contact"),
        rights=_line(records, "rights"),
        dpo=_line(processing, "dpo"),
    )


def _line(table: object, name: str) -> str | None:
    value = table.get(name) if isinstance(table, Mapping) else None
    return value.strip() or None if isinstance(value, str) else None
