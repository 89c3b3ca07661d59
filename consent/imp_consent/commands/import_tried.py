"""`imp consent import --dry-run`: the import itself, of which nothing is kept, and what would come of it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imp_consent.commands.aside import Fault
from imp_consent.commands.import_mends import mends_of
from imp_consent.commands.taking import Source, Tally, take_in
from imp_consent.policy.notice import read_notices
from imp_consent.policy.notice_search import find_notices
from imp_consent.policy.purpose import read_purposes
from imp_consent.records.terms import Terms
from imp_consent.runtime import open_log
from imp_core.command import lines
from imp_core.context import Context
from imp_core.counting import some

__all__ = ["ImportTried", "Reason", "tried", "tried_text"]

_ROWS: Final = 100  # of a reason, with --json
_SHOWN: Final = 5
# More different names than that are no purposes: a column was taken for another, and may hold what names people.
_NAMES: Final = 20
_NAME: Final = re.compile(r"(?=[^a-z]*[a-z])[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9_-]+)*", re.ASCII)
_MAX_NAME: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why rows would be left out: the field and the problem, how many they are, and where the first of them stand."""

    field: str
    problem: str
    count: int
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTried:
    """What an import would record, by type; what it would leave out, and why; and what is not known here.

    `counted_in` is what the numbers of rows count. `skipped` and `suppressed` are as of the import. `unknown_purposes`
    and `unknown_notices` are named by rows, and are not here; words that are no names, or too many to be any, are in
    neither and count as `other_names`. `purposes` and `notices` would be taken over from the terms.
    `mends` say what may help besides mending rows. `refused`: as it was asked for, the import would record nothing.
    `then` is the command that records the rest.
    """

    file: str
    sha256: str
    rows: int
    types: Mapping[str, int]
    people: int
    suppressed: int
    skipped: int
    rejected: int
    counted_in: str
    reasons: tuple[Reason, ...]
    unknown_purposes: tuple[str, ...]
    unknown_notices: tuple[str, ...]
    other_names: int
    purposes: int
    notices: int
    warnings: tuple[str, ...]
    refused: bool
    then: str | None
    mends: tuple[str, ...] = ()


def tried(
    ctx: Context, source: Source, *, options: Mapping[str, object], rejects_path: Path | None, in_parts: bool = False
) -> ImportTried:
    """Do all that the import does, and keep nothing. `options` are those that the command was given, for `then`.

    `in_parts`: a part at a time, each judged without what the parts before it say, since nothing of them was kept.

    Raises:
        BadInput: the file as a whole cannot be read.
    """
    tally = take_in(ctx, source, rejects_path=rejects_path, undo=True, in_parts=in_parts)
    purposes, notices, others = _unknown(ctx, tally, source.terms)
    taken = tally.rows + tally.suppressed
    refused = bool(tally.faults) and (rejects_path is None or (tally.earlier.left is None and not taken))
    return ImportTried(
        file=str(source.path),
        sha256=source.sha256,
        rows=tally.rows,
        types={_word(type_, source): count for type_, count in sorted(tally.types.items())},
        people=len(tally.people),
        suppressed=tally.suppressed,
        skipped=tally.earlier.rows,
        rejected=len(tally.faults),
        counted_in=source.counted,
        reasons=_reasons(tally.faults),
        unknown_purposes=purposes,
        unknown_notices=notices,
        other_names=others,
        purposes=tally.purposes,
        notices=tally.notices,
        warnings=tally.warned.texts(source.counted),
        refused=refused,
        then=_then(source, options, rejects_path, tally, in_parts=in_parts) if taken else None,
        mends=mends_of(tally.faults, source.mends),
    )


def tried_text(found: ImportTried) -> str:
    """The result as text."""
    counts: dict[str, object] = {
        "would be recorded": f"{found.rows:,}",
        **{f"  {name}": f"{count:,}" for name, count in found.types.items()},
        "people": f"{found.people:,}",
        "imported before": f"{found.skipped:,}",
        "of people who were erased": f"{found.suppressed:,}",
        "purposes taken over": found.purposes,
        "notices taken over": found.notices,
        "faulty": f"{found.rejected:,}",
    }
    always = ("would be recorded", "faulty")
    shown = [lines({name: n for name, n in counts.items() if n not in ("0", 0) or name in always})]
    shown += [f"  {reason.field}: {reason.problem}: {_where(reason, found.counted_in)}" for reason in found.reasons]
    shown += [
        f"no purpose here is called {name}; imp consent purpose add {name} --description … --trait …"
        for name in found.unknown_purposes
    ]
    shown += [
        f"no notice here is called {name}; imp consent notice add FILE --name …, or name another"
        for name in found.unknown_notices
    ]
    if found.other_names:
        words = some(found.other_names, "other word names", "other words name")
        shown.append(f"{words} no purpose or notice here, and hardly any: look which column is which (--map)")
    return "\n".join([*shown, *found.mends, _end(found)])


def _end(found: ImportTried) -> str:
    kept = "dry run: nothing was recorded"
    if not found.refused:
        return f"{kept}; this records it: {found.then}" if found.then else f"{kept}, and nothing new is there to record"
    if found.then is None:
        return f"{kept}; the import would be refused: every row is faulty"
    return f"{kept}; while a row is faulty the import is refused. Mend them, or leave them out: {found.then}"


def _where(reason: Reason, counted: str) -> str:
    if reason.count == 1:
        return f"{counted} {reason.rows[0]}"
    more = f" and {reason.count - _SHOWN:,} more" if reason.count > _SHOWN else ""
    return f"{counted}s {', '.join(map(str, reason.rows[:_SHOWN]))}{more}"


def _reasons(faults: Iterable[Fault]) -> tuple[Reason, ...]:
    places: dict[tuple[str, str], list[int]] = {}
    for fault in sorted(faults, key=lambda one: one.place):
        places.setdefault((fault.field, fault.problem), []).append(fault.place)
    found = [
        Reason(field=field, problem=problem, count=len(rows), rows=tuple(rows[:_ROWS]))
        for (field, problem), rows in places.items()
    ]
    return tuple(sorted(found, key=lambda reason: -reason.count))


def _unknown(ctx: Context, tally: Tally, terms: Terms | None) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    """The purposes and notices that rows name and that are not here, and how many other words stand there."""
    with open_log(ctx).read() as reader:
        here, notices = read_purposes(reader), read_notices(reader)
    brought = (terms.purposes, terms.notices) if terms else ({}, {})
    purposes = {name for name in tally.unknown["purpose"] if name not in here and name not in brought[0]}
    shown = {name for name in tally.unknown["notice"] if not find_notices(notices, name) and name not in brought[1]}
    return _names(purposes), _names(shown), _others(purposes) + _others(shown)


def _names(words: set[str]) -> tuple[str, ...]:
    return tuple(sorted(filter(_is_name, words))) if len(words) <= _NAMES else ()


def _others(words: set[str]) -> int:
    return len(words) - len(_names(words))


def _is_name(word: str) -> bool:
    return len(word) <= _MAX_NAME and _NAME.fullmatch(word) is not None


def _word(type_: str, source: Source) -> str:
    """A type in the file's own words."""
    return next((word for word, other in source.states.items() if other == type_), type_)


def _then(
    source: Source, options: Mapping[str, object], rejects_path: Path | None, tally: Tally, *, in_parts: bool
) -> str:
    words = ["imp", "consent", "import", str(source.path)]
    for name, value in options.items():
        words += [] if value is None else [name, str(value)]
    rejects = rejects_path or ("rejects.csv" if tally.faults else None)
    words += [] if rejects is None else ["--rejects", str(rejects)]
    return shlex.join([*words, *(["--in-parts"] if in_parts else [])])
