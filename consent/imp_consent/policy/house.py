"""What a workspace says of the law that holds for its people: [policy] of imp.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imp_consent.policy.regime import DEFAULT_REGIMES
from imp_core.errors import BadInput

__all__ = ["House", "read_house"]

_FILE = "imp.toml"


@dataclass(frozen=True, slots=True)
class House:
    """The regimes that hold, and the jurisdiction, where a saying names none; channels of the workspace's own."""

    regimes: tuple[str, ...]
    jurisdiction: str | None
    channels: frozenset[str]


def read_house(config: Mapping[str, Any]) -> House:
    """Read [policy]: `regimes = ["gdpr", "eprivacy"]`, `jurisdiction = "FR"`, `channels = [...]`, all may be left out.

    Raises:
        BadInput: one of them is not what it must be.
    """
    policy = config.get("policy", {})
    if not isinstance(policy, dict):
        raise BadInput("[policy] is not a table", where=_FILE, mend='[policy], then regimes = ["gdpr", "eprivacy"]')
    regimes = policy.get("regimes", policy.get("regime", list(DEFAULT_REGIMES)))
    jurisdiction = policy.get("jurisdiction")
    if jurisdiction is not None and not isinstance(jurisdiction, str):
        raise BadInput("[policy] jurisdiction is not a text", where=_FILE, mend='a code such as "FR" or "US-CA"')
    return House(
        regimes=_texts([regimes] if isinstance(regimes, str) else regimes, "regimes"),
        jurisdiction=jurisdiction,
        channels=frozenset(_texts(policy.get("channels", []), "channels")),
    )


def _texts(values: object, name: str) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadInput(f"[policy] {name} is not a list of texts", where=_FILE, mend=f'{name} = ["…", "…"]')
    return tuple(values)
