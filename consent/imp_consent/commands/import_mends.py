"""What mends the faults of a file besides its rows: an option, or a line in a mapping."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from imp_consent.commands.aside import Fault
from imp_consent.commands.local_times import NO_ONE_MOMENT

__all__ = ["TIMES", "mends_of", "terms_mends"]

TIMES: Final = (
    "write times like 2026-03-01T09:30:00Z, or say in a mapping (--map FILE) how they are written: "
    '[file] dates = "%d.%m.%Y %H:%M", timezone = "Europe/Berlin"'
)
_UNREAD: Final = frozenset({"not a time in ISO 8601", "a time without a zone"})
_TIME: Final = "at"
_OFFSET: Final = (
    "write which moment is meant, with its offset, like 2026-10-25T02:30:00+01:00, which is read beside any pattern; "
    "in Parquet write the column with a zone"
)


def terms_mends(path: Path, format_: str) -> Mapping[str, str]:
    """What helps where records name purposes or notices that are not known here."""
    where = str(path) if format_ == "27560" else "FILE, which the export wrote beside it"
    text = f"what these records are about may not be known here: take that over with them: --terms {where}"
    return dict.fromkeys(("purpose", "notice", "covers"), text)


def mends_of(faults: Collection[Fault], known: Mapping[str, str]) -> tuple[str, ...]:
    """Of what helps, by field, that which is about some of these faults."""
    fields = {fault.field for fault in faults if fault.field != _TIME or fault.problem in _UNREAD}
    texts = [text for field, text in known.items() if field in fields]
    if any(fault.field == _TIME and fault.problem in NO_ONE_MOMENT for fault in faults):
        texts.append(_OFFSET)
    return tuple(dict.fromkeys(texts))
