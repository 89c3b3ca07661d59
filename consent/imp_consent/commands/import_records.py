"""`imp consent import --format records|27560`: records of consent that another workspace exported, or somebody else.

Every entry goes through the same door as what people say here: this workspace's law is applied to it again, so that a
record can end earlier than it did there, or be refused, but never opens what it could not open here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from imp_consent.commands.aside import Fault, ReadRow
from imp_consent.commands.import_mends import terms_mends
from imp_consent.commands.imported import Earlier, check_rejects, file_sha256
from imp_consent.commands.record_files import RecordRead, counted_in_records, read_records, read_terms_file
from imp_consent.commands.taking import take_in
from imp_consent.commands.tally import Source
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import DENYING
from imp_consent.records.row import RecordRow
from imp_consent.records.select import PSEUDONYM
from imp_core.context import Context
from imp_core.counting import some, span
from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["RecordsImport", "import_records", "records_source", "records_text"]

_MORE: Final = ("guardian", "role", "signal", "told_us", "verification")
_LANGUAGE: Final = "by the SHA-256 of that text in the column notice"
_KIND: Final = "member"  # of whom an export calls by a pseudonym


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsImport:
    """What was recorded: entries, distinct people, and the first and last entry (None: nothing was new).

    `skipped` entries had been imported from the same file before; `rejected` ones are faulty and left out; `suppressed`
    ones are of people who were erased here.
    `purposes` and `notices` are how many were taken over from the terms. `older_than_notice`, `unknown_acts`,
    `unnamed_recipients` and `warnings`: as of `ImportResult`.
    """

    file: str
    sha256: str
    rows: int
    people: int
    suppressed: int
    skipped: int
    rejected: int
    purposes: int
    notices: int
    first_seq: int | None
    last_seq: int | None
    older_than_notice: int = 0
    unknown_acts: int = 0
    unnamed_recipients: int = 0
    warnings: tuple[str, ...] = ()


class _Sound(NamedTuple):
    number: int
    place: int
    row: RecordRow


def import_records(
    ctx: Context,
    path: Path,
    *,
    format_: str,
    terms_path: Path | None = None,
    rejects_path: Path | None = None,
    at_once: Callable[[int], object] = lambda _: None,
) -> RecordsImport:
    """Record every entry of a file in one transaction, or none; the same file again records nothing new.

    With `terms_path` purposes and notices that this workspace does not know are taken over from there first, word for
    word (a 27560 export may be named itself). With `rejects_path` faulty entries are left out and written there, by
    number, field and problem; the same file again tries these alone.

    Raises:
        BadInput: the file or its terms cannot be read, or an entry could not be recorded here and no rejects file was
            asked for, or none could be; nothing is recorded.
    """
    rejects_path = check_rejects(ctx, rejects_path, (path, terms_path))
    source = records_source(path, format_, terms_path)
    tally = take_in(ctx, source, rejects_path=rejects_path, at_once=at_once)
    return RecordsImport(
        file=str(path),
        sha256=source.sha256,
        rows=tally.rows,
        people=len(tally.people),
        suppressed=tally.suppressed,
        skipped=tally.earlier.rows,
        rejected=len(tally.faults),
        purposes=tally.purposes,
        notices=tally.notices,
        first_seq=tally.first,
        last_seq=tally.last,
        older_than_notice=tally.warned.older,
        unknown_acts=tally.warned.acts,
        unnamed_recipients=tally.warned.unnamed,
        warnings=tally.warnings(source.counted),
    )


def records_source(path: Path, format_: str, terms_path: Path | None) -> Source:
    """A file of records, as it is imported.

    Raises:
        BadInput: the file or its terms cannot be read.
    """
    sha256 = file_sha256(path)
    return Source(
        path=path,
        sha256=sha256,
        mapping=format_,
        counted=counted_in_records(path, format_),
        read=partial(_read, path, format_, sha256),
        language=_LANGUAGE,
        one="entry",
        many="entries",
        terms=None if terms_path is None else read_terms_file(terms_path),
        mends=terms_mends(path, format_) if terms_path is None else {},
    )


def _read(path: Path, format_: str, sha256: str, earlier: Earlier) -> Iterator[ReadRow | Fault]:
    """A person's adjacent rows together, in the order in which they were recorded; none that was recorded before."""
    faults: list[Fault] = []
    for _, together in groupby(_sound(read_records(path, format_), earlier, faults), key=lambda item: item.row.person):
        theirs = list(together)
        yield from faults
        faults.clear()
        for number, place, row in sorted(theirs, key=lambda item: item.row.position):
            yield _row(number, place, row, sha256)
    yield from faults


def _sound(rows: Iterable[RecordRead], earlier: Earlier, faults: list[Fault]) -> Iterator[_Sound]:
    """The rows that can be read; the others are put to `faults`, and part nobody's rows."""
    for number, place, row in rows:
        if isinstance(row, BadInput):
            if earlier.is_left(number):
                faults.append(_fault(number, place, number, row))
        elif earlier.is_left(number, _mark(number, row)):
            yield _Sound(number, place, row)


def _row(number: int, place: int, row: RecordRow, sha256: str) -> ReadRow | Fault:
    mark = _mark(number, row)
    try:
        raw = _who(row.person)
    except BadInput as error:
        return _fault(number, place, mark, error, says_no=row.statement.type in DENYING)
    return ReadRow(number, place, mark, raw, _saying(row, evidence=f"sha256:{sha256}#{number}"))


def _mark(number: int, row: RecordRow) -> str:
    """One entry of a file: a node of a document holds several."""
    return f"{number}.{row.position}"


def _fault(number: int, place: int, mark: int | str, error: BadInput, *, says_no: bool | None = None) -> Fault:
    field = error.where or "row"
    return Fault(number=number, place=place, mark=mark, field=field, problem=error.what, says_no=says_no)


def _who(person: str) -> RawId:
    if person.startswith(PSEUDONYM):
        return RawId(_KIND, person)
    try:
        return RawId.parse(person)
    except BadInput as error:
        raise BadInput(error.what, where="person", mend=error.mend) from None


def _saying(row: RecordRow, *, evidence: str) -> Saying:
    said, details = row.statement, row.details
    grounds, regimes, steps = (details.get(name) for name in ("grounds", "regimes", "steps"))
    return Saying(
        type=said.type,
        purpose=said.purpose,
        at_us=said.at_us,
        channel=said.channel,
        notice=said.notice,
        until_us=said.until_us,
        action=row.action,
        evidence=row.evidence or evidence,
        steps=steps if isinstance(steps, int) else None,
        traits=(said.traits or None) if said.type == "object" else said.traits,
        consent=said.consent,
        bundled=said.bundled,
        informed=said.informed,
        by=said.by,
        basis=said.basis,
        lifts=said.lifts,
        needs=said.needs,
        grounds={str(name): str(text) for name, text in grounds.items()} if isinstance(grounds, Mapping) else {},
        regimes=tuple(map(str, regimes)) if isinstance(regimes, list | tuple) else None,
        jurisdiction=row.jurisdiction,
        shared=details.get("shared") is True,
        more={name: details[name] for name in _MORE if name in details},
    )


def records_text(done: RecordsImport) -> str:
    """The result as text."""
    terms = f"{some(done.purposes, 'purpose')} and {some(done.notices, 'notice')}"
    taken = f"; {terms} taken over" if done.purposes + done.notices else ""
    left = f", {done.rejected} faulty and left out" if done.rejected else ""
    left += f", {done.suppressed} of people who were erased left out" if done.suppressed else ""
    before = some(done.skipped, "entry of this file was", "entries of this file were")
    if done.first_seq is None:
        again = f"nothing new: {before} imported before" if done.skipped else "nothing recorded"
        return f"{again}{left}{taken}"
    people = some(done.people, "person", "people")
    skipped = f", {done.skipped} imported before" if done.skipped else ""
    return f"{span(done.first_seq, done.last_seq or 0)}: {done.rows} about {people}{skipped}{left}{taken}"
