"""What a workspace says of the law that holds for its people: [policy] of imp.toml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from imp_consent.policy.regime import DEFAULT_REGIMES, Regimes
from imp_core.errors import BadInput

__all__ = ["House", "check_house", "not_at_home", "read_house", "readable_house"]

_FILE: Final = "imp.toml"
_NAMED: Final = {"jurisdiction": f"{_FILE}, [policy] jurisdiction", "regime": f"{_FILE}, [policy] regimes"}


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
    house, faults = readable_house(config)
    for fault in faults:
        raise fault
    return house


def readable_house(config: Mapping[str, Any]) -> tuple[House, tuple[BadInput, ...]]:
    """What of [policy] can be read, each as if left out where it cannot, and what is wrong with the rest.

    For what never waits for a setting: somebody's no, and their rights.
    """
    policy, faults = config.get("policy", {}), []
    if not isinstance(policy, dict):
        mend = '[policy], then regimes = ["gdpr", "eprivacy"]'
        faults.append(BadInput("[policy] is not a table", where=_FILE, mend=mend))
        policy = {}
    regimes = policy.get("regimes", policy.get("regime", list(DEFAULT_REGIMES)))
    jurisdiction = policy.get("jurisdiction")
    if jurisdiction is not None and not isinstance(jurisdiction, str):
        mend = 'a code such as "FR" or "US-CA"'
        faults.append(BadInput("[policy] jurisdiction is not a text", where=_FILE, mend=mend))
        jurisdiction = None
    house = House(
        regimes=_texts([regimes] if isinstance(regimes, str) else regimes, "regimes", DEFAULT_REGIMES, faults),
        jurisdiction=jurisdiction,
        channels=frozenset(_texts(policy.get("channels", []), "channels", (), faults)),
    )
    return house, tuple(faults)


def check_house(house: House, known: Regimes, *, names: Sequence[str] | None = None) -> None:
    """Look whether there is the place that imp.toml names, and its laws, unless others (`names`) are named instead.

    Raises:
        BadInput: there is no such place or law, or none of the laws holds there; `where` is the line of imp.toml.
    """
    try:
        known.check((), house.jurisdiction)
        if names is None:
            known.rules(house.regimes, house.jurisdiction)
            known.check(house.regimes, house.jurisdiction)
    except BadInput as error:
        raise BadInput(error.what, where=_NAMED.get(error.where or "", _FILE), mend=error.mend) from None


def not_at_home(house: House, known: Regimes) -> tuple[str, ...]:
    """The law at home in the place that imp.toml names, where none of the laws that it names is; else none."""
    home = () if house.jurisdiction is None else known.at_home(house.jurisdiction)
    return home if set(home).isdisjoint(house.regimes) else ()


def _texts(values: object, name: str, default: Sequence[str], faults: list[BadInput]) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        mend = f'{name} = ["…", "…"]'
        faults.append(BadInput(f"[policy] {name} is not a list of texts", where=_FILE, mend=mend))
        values = default
    return tuple(values)
