"""`imp consent import --dry-run`: the import itself, of which nothing is kept, and what would come of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from imp_consent.commands.aside import Fault
from imp_consent.commands.import_mends import mends_of
from imp_consent.commands.import_warnings import warn_of_long
from imp_consent.commands.taking import take_in
from imp_consent.commands.tally import Source, Tally
from imp_consent.commands.unknown_words import UnknownWords
from imp_consent.policy.notice import read_notices
from imp_consent.policy.notice_search import find_notices
from imp_consent.policy.purpose import read_purposes
from imp_consent.records.terms import Terms
from imp_consent.runtime import open_log
from imp_core.command import lines
from imp_core.context import Context
from imp_core.counting import some
from imp_core.near import nearest

__all__ = ["ImportTried", "Reason", "tried", "tried_text"]

_ROWS: Final = 100  # of a reason, with --json
_SHOWN: Final = 5


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
    and `unknown_notices` are named by rows of several people, and are not here; of other words `like` are those names
    here that they look like, and the rest, which may name somebody, count as `other_names`, up to some twenty of each.
    `purposes` and `notices` would be taken over from the terms.
    `erasures` would be opened without being asked for.
    `mends` say what may help besides mending rows. `repeated` rows say what another import recorded. `refused`: as it
    was asked for, the import would record nothing.
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
    like: tuple[str, ...]
    other_names: int
    purposes: int
    notices: int
    warnings: tuple[str, ...]
    refused: bool
    then: str | None
    mends: tuple[str, ...] = ()
    repeated: int = 0
    erasures: int = 0


def tried(ctx: Context, source: Source, *, options: Mapping[str, object], rejects_path: Path | None) -> ImportTried:
    """Do all that the import does, and keep nothing. `options` are those that the command was given, for `then`.

    Raises:
        BadInput: the file as a whole cannot be read.
    """
    long = partial(warn_of_long, parted=bool(source.states), dry=True)
    tally = take_in(ctx, source, rejects_path=rejects_path, undo=True, at_once=long)
    purposes, notices = _unknown(ctx, tally, source.terms)
    refused = bool(tally.faults) and (rejects_path is None or tally.all_faulty)
    return ImportTried(
        file=str(source.path),
        sha256=source.sha256,
        rows=tally.rows,
        types={_word(type_, source): count for type_, count in sorted(tally.types.items())},
        people=len(tally.people),
        suppressed=tally.suppressed,
        skipped=tally.earlier.rows,
        repeated=tally.repeated,
        rejected=len(tally.faults),
        counted_in=source.counted,
        reasons=_reasons(tally.faults),
        unknown_purposes=purposes.shown,
        unknown_notices=notices.shown,
        like=tuple(sorted({*purposes.like, *notices.like})),
        other_names=purposes.others + notices.others,
        purposes=tally.purposes,
        notices=tally.notices,
        warnings=(*source.noted, *tally.warnings(source.counted)),
        refused=refused,
        then=_then(source, options, rejects_path, tally) if tally.rows or tally.suppressed else None,
        mends=mends_of(tally.faults, source.mends),
        erasures=tally.erasures,
    )


def tried_text(found: ImportTried) -> str:
    """The result as text."""
    counts: dict[str, object] = {
        "would be recorded": f"{found.rows:,}",
        **{f"  {name}": f"{count:,}" for name, count in found.types.items()},
        "people": f"{found.people:,}",
        "erasures opened": f"{found.erasures:,}",
        "imported before": f"{found.skipped:,}",
        "recorded by another import": f"{found.repeated:,}",
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
    shown += [f"a word that is not known here looks like {name}: if it is meant, write that" for name in found.like]
    if found.other_names:
        words = some(found.other_names, "other word names", "other words name")
        shown.append(f"{words} no purpose or notice here, and might name people: look which column is which (--map)")
    return "\n".join([*shown, *found.mends, _end(found)])


def _end(found: ImportTried) -> str:
    kept = "dry run: nothing was recorded"
    if not found.refused:
        return f"{kept}; this records it: {found.then}" if found.then else f"{kept}, and nothing new is there to record"
    if found.then is None:
        those = "row that is new" if found.skipped + found.repeated else "row"
        return f"{kept}; the import would be refused: every {those} is faulty"
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


class _Unknown(NamedTuple):
    """Words that may be shown, names here that others look like, and how many there are besides."""

    shown: tuple[str, ...]
    like: frozenset[str]
    others: int


def _unknown(ctx: Context, tally: Tally, terms: Terms | None) -> tuple[_Unknown, _Unknown]:
    """Of the purposes and of the notices that rows name and that are not here."""
    with open_log(ctx).read() as reader:
        here, notices = read_purposes(reader), read_notices(reader)
    brought, brought_notices = (terms.purposes, terms.notices) if terms else ({}, {})
    purposes, shown = tally.unknown["purpose"], tally.unknown["notice"]
    known = {*here, *brought}
    named = {item.notice.name for item in notices}
    strange = {word for word in shown.words - brought_notices.keys() if not find_notices(notices, word)}
    return _sorted_out(purposes, purposes.words - known, known), _sorted_out(shown, strange, named)


def _sorted_out(found: UnknownWords, words: Iterable[str], known: Iterable[str]) -> _Unknown:
    shown = tuple(sorted(filter(found.is_name, words)))
    rest = [nearest(word, known) for word in words if word not in shown]
    return _Unknown(shown, frozenset(name for name in rest if name is not None), rest.count(None))


def _word(type_: str, source: Source) -> str:
    """A type in the file's own words."""
    return next((word for word, other in source.states.items() if other == type_), type_)


def _then(source: Source, options: Mapping[str, object], rejects_path: Path | None, tally: Tally) -> str:
    words = ["imp", "consent", "import", str(source.path)]
    for name, value in options.items():
        words += [] if value is None else [name, str(value)]
    rejects = rejects_path or ("rejects.csv" if tally.faults else None)
    return shlex.join([*words, *([] if rejects is None else ["--rejects", str(rejects)])])
