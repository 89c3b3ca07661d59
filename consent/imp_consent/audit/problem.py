"""What an audit finds: problems with a stable code, a place and a sentence; and notes, which are no problems."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from imp_consent.audit.mends import MENDS
from imp_core.errors import LedgerBroken

__all__ = ["Problem", "Problems", "row_place", "told"]

_SHOWN: Final = 40
_SHOWN_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is not as it should be, or (among the notes) is worth knowing.

    `code` is stable and made for programs (`entry.hash`), `place` names table and row or file, `sentence` is for
    people, `mend` what they can do about it. None of them holds a raw identifier.
    """

    code: str
    place: str
    sentence: str
    mend: str | None = None


class Problems:
    """Collects what is found; the order is that of the checks."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self.notes: list[Problem] = []

    def report(self, code: str, place: str, sentence: str, *, mend: str | None = None) -> None:
        """Note one problem; `mend` where more is known than what is done about all of its code."""
        self.found.append(Problem(code=code, place=place, sentence=sentence, mend=mend or MENDS.get(code)))

    def note(self, code: str, place: str, sentence: str) -> None:
        """Note what is worth knowing and nothing wrong."""
        self.notes.append(Problem(code=code, place=place, sentence=sentence, mend=MENDS.get(code)))

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


def told(problems: Sequence[Problem], *, most: int) -> list[str]:
    """Problems as lines: up to `most` of them, how many more there are, and what to do about all, once for each."""
    listed = [f"  {problem.code}  {problem.place}: {problem.sentence}" for problem in problems[:most]]
    if len(problems) > most:
        listed.append(f"  … and {len(problems) - most} more: imp audit verify --json")
    mends: dict[str, set[str]] = {}
    for problem in problems:
        if problem.mend:
            mends.setdefault(problem.mend, set()).add(problem.code)
    return [*listed, *(f"mend: {mend} ({', '.join(sorted(codes))})" for mend, codes in mends.items())]


def row_place(table: str, key: Sequence[object]) -> str:
    """Table and primary key of a row; long values and hashes are cut short."""
    return f"{table} ({', '.join(_shown(value) for value in key)})"


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value[:_SHOWN_BYTES].hex() + ("…" if len(value) > _SHOWN_BYTES else "")
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
