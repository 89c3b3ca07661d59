"""For what a workspace wants two persons: `[policy]` of imp.toml.

[policy]
two_persons = true          # every change of keys that somebody asks for; and erasing many, more than 10 at a time
two_persons_above = 100     # erasing more people than that at a time, whatever two_persons says
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from imp_core.errors import BadInput

__all__ = ["TwoPersons", "read_two_persons"]

_ABOVE: Final = 10  # people that one person may erase at a time: enough for everybody behind one person's identifiers


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPersons:
    """Whether changes of keys need two, and how many people one person may erase at a time (None: any number)."""

    keys: bool
    above: int | None

    @property
    def text(self) -> str:
        """In words."""
        if self.above is None:
            return "one person changes keys, and erases any number of people"
        people = "1 person" if self.above == 1 else f"{self.above} people"
        keys = "changes of keys and " if self.keys else ""
        return f"two persons for {keys}erasing more than {people} at a time"


def read_two_persons(config: Mapping[str, Any]) -> TwoPersons:
    """What imp.toml says. Each setting stands for itself: a limit that was set is in force without the other one.

    Raises:
        BadInput: one of them is not what it must be.
    """
    policy = config.get("policy", {})
    if not isinstance(policy, dict):
        raise BadInput("[policy] is not a table", where="imp.toml", mend="[policy], then two_persons = true")
    keys, above = policy.get("two_persons", False), policy.get("two_persons_above")
    if not isinstance(keys, bool):
        raise BadInput(
            "not true or false", where="imp.toml, [policy] two_persons", mend="write true or false, without quotes"
        )
    if above is not None and (type(above) is not int or above < 1):
        raise BadInput(
            "not a whole number from 1",
            where="imp.toml, [policy] two_persons_above",
            mend="write it like: two_persons_above = 10",
        )
    return TwoPersons(keys=keys, above=_ABOVE if keys and above is None else above)
