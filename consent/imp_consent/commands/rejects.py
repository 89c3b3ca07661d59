"""The file of rows that could not be taken: row, field and problem, never a value."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from imp_core.errors import BadInput
from imp_core.event import RowFault

__all__ = ["rejects_file"]


@contextmanager
def rejects_file(path: Path) -> Iterator[Callable[[RowFault], None]]:
    """Rows that could not be taken, as CSV: row, field, problem; never a value. It appears when all is read."""
    try:
        # A name of its own, and readable by its owner only from the first byte.
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    except OSError as error:
        raise BadInput(
            f"the rejects cannot be written: {error.strerror}",
            where=str(path),
            mend="name another file for --rejects, or look at the disk's room",
        ) from None
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            write = csv.writer(file).writerow
            write(("row", "field", "problem"))

            def refuse(fault: RowFault) -> None:
                write((fault.row, fault.field, fault.problem))

            try:
                yield refuse
            except BadInput:
                file.flush()
                unfinished.replace(path)  # none could be taken: here is why
                raise
        unfinished.replace(path)
    except OSError as error:
        raise BadInput(
            f"the rejects cannot be written: {error.strerror}",
            where=str(path),
            mend="name another file for --rejects, or look at the disk's room",
        ) from None
    finally:
        unfinished.unlink(missing_ok=True)
