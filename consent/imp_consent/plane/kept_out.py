"""Who is suppressed in the database and outside of it alike: written outside before the commit, and counted by it.

A token that stands outside and not in the database, or that was written there anew since the last `erased` entry
counted the lines, is of an erasure that died before its commit, or that a backup does not know of.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.tombstones import Buried, Tombstones, agreed_lines, counting, lines_lost
from imp_consent.ledger.transaction import Transaction
from imp_core.clock import DAY_US
from imp_core.ports import Json

__all__ = ["TELL_WITHIN_US", "erased_since", "keep_suppressed", "suppressed_since"]

TELL_WITHIN_US: Final = 30 * DAY_US  # one month (GDPR 12(3)), in days so that the date is certain


def keep_suppressed(log: Log, transaction: Transaction, *, anew: Collection[bytes] = ()) -> dict[str, Json]:
    """Note outside who is suppressed and is not there as such: the newly erased, and whose lines were cut off.

    `anew` are noted though they are there: of them something was taken out again.

    Returns what the `erased` entry says of the file: how many lines there are, the MAC of the last, and how many of
    those that the newest entry before counted may be missing, if any are. Whom these named nobody knows any more.
    """
    stones = Tombstones(log.keyring.folder, log.keyring)
    buried = stones.read()
    stones.suppress(token for token in _stored(transaction) if token in anew or token not in buried.suppressed)
    lost = lines_lost(counting(transaction.system_entries("erased")), buried)
    now = stones.read()
    said: dict[str, Json] = {"tombstones": now.lines, "tombstones_end": now.end}
    return {**said, "tombstones_lost": lost} if lost else said


def suppressed_since(reader: Reader, buried: Buried) -> frozenset[bytes]:
    """The tokens of whom an erasure was noted outside that this state of the database does not know of.

    What a guardian authorised after their erasure was counted here is of a later day, and no business of that one.
    """
    counted = agreed_lines(counting(reader.system_entries("erased")), buried)
    stored = _stored(reader)
    return frozenset(
        token for token in buried.suppressed if token not in stored or buried.renewed.get(token, 0) > counted
    )


def erased_since(reader: Reader, buried: Buried) -> frozenset[bytes]:
    """The same, and who came back since: what was known of them before their erasure does not come back with them."""
    counted, stored = agreed_lines(counting(reader.system_entries("erased")), buried), _stored(reader)
    back = {token for token, number in buried.returned.items() if number > counted and token not in stored}
    return suppressed_since(reader, buried) | back


def _stored(reader: Reader) -> set[bytes]:
    return {bytes(row[0]) for row in reader.sealed.select("suppression")}  # type: ignore[arg-type]  # the column's type
