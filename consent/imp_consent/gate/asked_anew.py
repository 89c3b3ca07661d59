"""Whom a material change concerns: how many people's permission it ends, so that they would have to be asked anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Final

from imp_consent.gate.material import known_cuts
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.tables import FOREVER_SEQ
from imp_consent.policy.cuts import Cut, cut_segments, cuts_of
from imp_consent.policy.project import TABLE, parse_row
from imp_consent.policy.state import Segment

__all__ = ["asked_anew"]

_OPEN: Final = "permit AND to_seq = ? AND from_us <= ? AND to_us > ?"


def asked_anew(reader: Reader, material: Collection[str], *, bases: bool, at_us: int) -> dict[str, int]:
    """How many people permit each purpose now that would not, if these purposes changed materially; only such.

    `bases`: the purposes themselves change, and not what people are shown of them; then other bases end as well.

    Raises:
        LedgerBroken: what the gate reads was changed by other hands.
    """
    if not material:
        return {}
    people: dict[str, set[int]] = defaultdict(set)
    coming = [Cut(name, at_us, FOREVER_SEQ - 1, bases) for name in sorted(material)]
    for row in reader.sealed.select(TABLE, _OPEN, (FOREVER_SEQ, at_us, at_us)):
        subject, scope, rectangle = parse_row(row)
        ahead = cuts_of(coming, scope.purpose, size=FOREVER_SEQ)
        if ahead and subject not in people[scope.purpose]:
            known = known_cuts(reader, scope.purpose, size=reader.size)
            if _permits(rectangle.segment, known, at_us) and not _permits(rectangle.segment, (*known, *ahead), at_us):
                people[scope.purpose].add(subject)
    return {purpose: len(found) for purpose, found in sorted(people.items()) if found}


def _permits(segment: Segment, cuts: tuple[Cut, ...], at_us: int) -> bool:
    return any(piece.permit and piece.from_us <= at_us < piece.to_us for piece in cut_segments([segment], cuts))
