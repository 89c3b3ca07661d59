"""What an audit finds: problems with a stable code, a place and a sentence; and notes, which are no problems."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from imp_core.errors import LedgerBroken

__all__ = ["Problem", "Problems", "row_place"]

_SHOWN: Final = 40
_SHOWN_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is not as it should be, or (among the notes) is worth knowing.

    `code` is stable and made for programs (`entry.hash`), `place` names table and row or file, `sentence` is for
    people. None of them holds a raw identifier.
    """

    code: str
    place: str
    sentence: str


class Problems:
    """Collects what is found; the order is that of the checks."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self.notes: list[Problem] = []

    def report(self, code: str, place: str, sentence: str) -> None:
        """Note one problem."""
        self.found.append(Problem(code=code, place=place, sentence=sentence))

    def note(self, code: str, place: str, sentence: str) -> None:
        """Note what is worth knowing and nothing wrong."""
        self.notes.append(Problem(code=code, place=place, sentence=sentence))

    def expect(self, holds: object, code: str, place: str, sentence: str) -> bool:
        """Note a problem unless something holds; returns whether it does."""
        if not holds:
            self.report(code, place, sentence)
        return bool(holds)

    @contextmanager
    def checking(self, place: str) -> Iterator[None]:
        """A check that meets an unreadable database, or ledger content of no known form, is itself a finding."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            self.report("database.unreadable", place, f"the database cannot be read here ({type(error).__name__})")
        except LedgerBroken as error:
            self.report("ledger.broken", error.where or place, error.what)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # what other hands wrote may have any shape: the audit still answers
            self.report("ledger.broken", place, f"what is stored here has no known form ({type(error).__name__})")


def row_place(table: str, key: Sequence[object]) -> str:
    """Table and primary key of a row; long values and hashes are cut short."""
    return f"{table} ({', '.join(_shown(value) for value in key)})"


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value[:_SHOWN_BYTES].hex() + ("…" if len(value) > _SHOWN_BYTES else "")
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
