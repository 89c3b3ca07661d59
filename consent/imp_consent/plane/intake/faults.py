"""Rows that cannot be taken: they stop everything, or are told one by one; never with their values."""

from __future__ import annotations

from collections.abc import Callable

from imp_core.counting import rows_told
from imp_core.errors import BadInput
from imp_core.event import RowFault

__all__ = ["NOTHING_TAKEN", "Faults", "Refuse"]

_SHOWN = 20
NOTHING_TAKEN = "see what was told of each row: mend the rows, or name their columns in another mapping (--map)"

# Told of each row that is skipped.
Refuse = Callable[[RowFault], None]


class Faults:
    """Collects the faults of one source; with `refuse` they are passed on and do not stop it."""

    def __init__(self, where: str, refuse: Refuse | None = None) -> None:
        self._where = where
        self._refuse = refuse
        self._found: list[RowFault] = []
        self._rows: set[int] = set()

    @property
    def rows(self) -> int:
        """How many rows could not be taken."""
        return len(self._rows)

    def add(self, fault: RowFault) -> None:
        """Note a fault.

        Raises:
            BadInput: there are so many that more would not help.
        """
        self._rows.add(fault.row)
        if self._refuse is not None:
            self._refuse(fault)
            return
        self._found.append(fault)
        if len(self._found) >= _SHOWN:
            self._stop(f"{_SHOWN} faults or more")

    def settle(self) -> None:
        """At the end of the source.

        Raises:
            BadInput: there were faults.
        """
        if self._found:
            n = len(self._found)
            self._stop("a fault" if n == 1 else f"{n} faults")

    def _stop(self, count: str) -> None:
        listed = "; ".join(f"row {f.row}, {f.field}: {f.problem}" for f in sorted(self._found, key=lambda f: f.row))
        raise BadInput(
            f"{count}, nothing was taken: {listed}",
            where=self._where,
            mend=f"mend the rows, or take the good ones with: --rejects FILE{rows_told(self._where)}",
        )
