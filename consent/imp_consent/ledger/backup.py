"""A copy of the ledger's database as of one moment, in one file: what a restore begins with."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from imp_consent.ledger.store import connect, sqlite_errors
from imp_core.errors import BadInput, ImpError
from imp_core.hold import beside
from imp_core.workspace import UNWRITABLE, sync

__all__ = ["back_up"]


def back_up(database: Path, target: Path, *, replace: bool = False) -> None:
    """Copy a database, its write-ahead log included and its free pages left out, while others go on writing.

    The copy is readable by its owner only; a crash leaves it whole or not at all, and what it leaves beside the target
    (see `beside`) goes with the next backup to it.

    Raises:
        BadInput: there is something at the target, and it is not to be replaced.
        LedgerBroken: the database cannot be read, or is not ours.
        ImpError: the copy cannot be written.
    """
    if not replace and os.path.lexists(target):
        raise BadInput("there is a file already", where=str(target), mend="name a new one")
    try:
        with beside(target) as copy:
            os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with closing(connect(database)) as sql, sqlite_errors():
                sql.execute("VACUUM INTO ?", (str(copy),))
            sync(copy)
            copy.rename(target)
            sync(target.parent)
    except OSError as error:
        raise ImpError(f"cannot be written: {error.strerror}", where=str(target), mend=UNWRITABLE) from None
