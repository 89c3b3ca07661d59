"""The words for what a person said about a purpose, and the types of the entries they become."""

from __future__ import annotations

from typing import Final

from imp_core.errors import BadInput

__all__ = ["IMPORTED", "STATES", "type_of"]

STATES: Final = {"given": "grant", "refused": "refuse", "withdrawn": "withdraw"}
# A file may also say on what else than consent data is used.
IMPORTED: Final = {**STATES, "basis": "basis"}


def type_of(state: str) -> str:
    """The type of the entry that a state becomes.

    Raises:
        BadInput: not a state.
    """
    if state not in IMPORTED:
        raise BadInput("unknown state", where="state", mend=f"one of {', '.join(IMPORTED)}")
    return IMPORTED[state]
