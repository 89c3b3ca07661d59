"""Whom a material change concerns: how many people's permission it ends, so that they would have to be asked anew."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from imp_consent.gate.material import known_cuts
from imp_consent.ledger.layout import FOREVER_SEQ
from imp_consent.ledger.reader import Reader
from imp_consent.policy.cuts import Cut, cuts_of, ended_before
from imp_consent.policy.decide import Reason
from imp_consent.policy.project import TABLE

__all__ = ["asked_anew"]

# Of one purpose, the people who permit it now by what was recorded since the last cut of its ground; parameters:
# purpose, knowledge, time, time, then since when a consent is not cut off yet, and since when another basis is not.
_PEOPLE: Final = (
    f"SELECT count(DISTINCT subject) FROM {TABLE}"  # noqa: S608 (our own words)
    " WHERE purpose = ? AND permit AND to_seq = ? AND from_us <= ? AND to_us > ? AND json_extract(entries, '$[0]') >="
    f" CASE reason WHEN '{Reason.GIVEN}' THEN ? WHEN '{Reason.BASIS}' THEN ? END"
)
_PURPOSES: Final = f"SELECT DISTINCT purpose FROM {TABLE} ORDER BY purpose"  # noqa: S608 (our own words)


def asked_anew(reader: Reader, material: Collection[str], *, bases: bool, at_us: int) -> dict[str, int]:
    """How many people permit each purpose now that would not, if these purposes changed materially; only such.

    `bases`: the purposes themselves change, and not what people are shown of them; then other bases end as well. The
    rows are counted in the database and their MACs not looked at: nothing is decided by these numbers, and the gate
    looks at each row that it answers from.

    Raises:
        LedgerBroken: a system entry is malformed.
    """
    if not material:
        return {}
    coming = [Cut(name, at_us, FOREVER_SEQ - 1, bases) for name in sorted(material)]
    counted = {}
    for (purpose,) in reader.sql.execute(_PURPOSES).fetchall():
        if ahead := cuts_of(coming, purpose, size=FOREVER_SEQ):
            known = known_cuts(reader, purpose, size=reader.size)
            since = [_still_open(known, ahead, ground, at_us) for ground in (Reason.GIVEN, Reason.BASIS)]
            values = (purpose, FOREVER_SEQ, at_us, at_us, *since)
            (counted[purpose],) = reader.sql.execute(_PEOPLE, values).fetchone()
    return {purpose: number for purpose, number in counted.items() if number}


def _still_open(known: Collection[Cut], ahead: Collection[Cut], ground: str, at_us: int) -> int:
    """Since which seq what was recorded on this ground is open now and would be ended; never where it would not be."""
    return ended_before(known, ground, at_us=at_us) if ended_before(ahead, ground, at_us=at_us) else FOREVER_SEQ
