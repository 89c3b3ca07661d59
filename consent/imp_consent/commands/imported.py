"""What earlier imports of the same file left: a file again records nothing twice, and what was faulty can be mended."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from imp_consent.commands.aside import Fault
from imp_consent.commands.row_numbers import RowNumbers
from imp_consent.identity.keys import keys_folder
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_core.context import Context
from imp_core.errors import BadInput, ImpError
from imp_core.output import check_output, write_output
from imp_core.ports import Json

__all__ = [
    "MOST_FAULTS",
    "Earlier",
    "check_rejects",
    "check_unchanged",
    "file_sha256",
    "find_earlier",
    "note_import",
    "refusal",
    "write_rejects",
]

MOST_FAULTS: Final = 10  # named before a file is given up
_TYPE: Final = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What was recorded of a file before, `rows` (some by another import) and `suppressed`, and what is `left`.

    `left` are the marks of rows that every import so far rejected. It is None where the file was never imported: then
    every row is new. `through` is the row up to which all were tried, where an import in parts did not come to the
    file's end, and `ahead` those after it that were. `size` is the ledger's, up to which it was read.
    """

    rows: int = 0
    suppressed: int = 0
    left: frozenset[int | str] | None = None
    through: int | None = None
    ahead: RowNumbers = field(default_factory=RowNumbers)
    size: int = 0

    @property
    def is_open(self) -> bool:
        """Whether there may be rows that were not recorded."""
        return self.left is None or self.through is not None or bool(self.left)

    def left_in(self, begin: int, through: int | None) -> set[int]:
        """Which rows from one to another, or to the end, are left of those that were tried."""
        last = sys.maxsize if through is None else through
        return {mark for mark in self.left or () if isinstance(mark, int) and begin <= mark <= last}

    def is_left(self, number: int, mark: int | str | None = None) -> bool:
        """Whether a row is still to be recorded, by its number or the mark it may have been rejected under."""
        if self.left is None or (self.through is not None and number > self.through and number not in self.ahead):
            return True
        return number in self.left or mark in self.left


_NOTHING: Final = Earlier()


def find_earlier(reader: Reader, sha256: str, mapping: str, known: Earlier = _NOTHING) -> Earlier:
    """What the ledger says of earlier imports of these bytes, read in the same way.

    Of what is `known` already only newer entries are read.
    """
    own = (sha256, mapping)
    entries = reader.system_entries(_TYPE, since=known.size)
    newer = [entry.fields for entry in entries if (entry.fields.get("file"), entry.fields.get("mapping")) == own]
    if not newer:
        return replace(known, size=reader.size)
    left, last, ahead = set(known.left or ()), _last(known), known.ahead
    for fields in newer:
        begin, end = fields.get("begin"), fields.get("through")
        _take_out(left, begin if isinstance(begin, int) else None, end if isinstance(end, int) else sys.maxsize)
        beyond = fields.get("ahead")
        if isinstance(beyond, str):
            ranges = json.loads(reader.document(beyond))
            ahead = ahead.including(ranges)
            for one, other in ranges:
                _take_out(left, one, other)
        rejects = fields.get("rejects")
        if isinstance(rejects, str):
            left.update(json.loads(reader.document(rejects)))
        last = max(last, end) if isinstance(end, int) else sys.maxsize
    return Earlier(
        rows=known.rows + sum(int(str(fields.get(name, 0))) for fields in newer for name in ("rows", "repeated")),
        suppressed=known.suppressed + sum(int(str(fields.get("suppressed", 0))) for fields in newer),
        left=frozenset(left),
        through=last if last < sys.maxsize else None,
        ahead=ahead if last < sys.maxsize else RowNumbers(),
        size=reader.size,
    )


def _last(known: Earlier) -> int:
    """The last row that was tried; of a file that was gone through there is none after it."""
    if known.left is None:
        return 0
    return sys.maxsize if known.through is None else known.through


def _take_out(left: set[int | str], begin: int | None, end: int) -> None:
    """Take out the rows that an import tried: from `begin` to `end`, or all of them."""
    if begin is None:
        left.clear()
    elif end - begin < len(left):  # a part is short, and what is left may be long
        left.difference_update(range(begin, end + 1))
    else:
        left.difference_update([mark for mark in left if isinstance(mark, int) and begin <= mark <= end])


def note_import(
    transaction: Transaction,
    sha256: str,
    mapping: str,
    counts: dict[str, Json],
    *,
    rejected: Sequence[int | str],
    ahead: Sequence[tuple[int, int]] = (),
) -> None:
    """The entry that makes an import repeatable without effect: counts and hashes, nobody's data.

    `ahead` are ranges of rows that were tried with a part which ends before them.
    """
    documents = {
        name: json.dumps(numbers, separators=(",", ":")).encode()
        for name, numbers in (("rejects", rejected), ("ahead", ahead))
        if numbers
    }
    hashes: dict[str, Json] = {name: hashlib.sha256(document).hexdigest() for name, document in documents.items()}
    fields: dict[str, Json] = {"file": sha256, "mapping": mapping, **counts, "rejects": None, **hashes}
    transaction.append_system(_TYPE, fields, documents=tuple(documents.values()))


def check_rejects(ctx: Context, path: Path | None, inputs: Collection[Path | None]) -> Path | None:
    """The place for a rejects file; one of an earlier run is replaced.

    Raises:
        BadInput: it cannot be written there.
    """
    if path is None:
        return None
    keys = keys_folder(ctx.environ, ctx.workspace.log_id)
    return check_output(ctx, path, inputs=tuple(inputs), private=(keys,), force=True)


def write_rejects(path: Path, faults: Iterable[Fault], *, counted: str) -> None:
    """Rows that could not be taken, in their order, as CSV for its owner only: place, field and problem, never a value.

    `counted` heads the first column: what is counted there, such as "line" as an editor counts the file's lines.

    Raises:
        BadInput: it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((counted, "field", "problem"))
    writer.writerows((fault.place, fault.field, fault.problem) for fault in sorted(faults, key=lambda one: one.place))
    try:
        write_output(path, text.getvalue().encode())
    except ImpError as error:
        raise BadInput(
            f"the rejects file {error.what}", where=str(path), mend="name another file for --rejects"
        ) from None


def refusal(
    path: Path, faults: Sequence[Fault], *, counted: str, language: str, known: str = "", mends: Sequence[str] = ()
) -> BadInput:
    """Why nothing of a file was imported; `known` is what the ledger has of it, `counted` what places count.

    `language` is where such a file says in which language a notice was shown, `mends` are what may help besides.
    """
    named = "; ".join(f"{counted} {fault.place}, {fault.field}: {fault.problem}" for fault in faults[:MOST_FAULTS])
    more = ", and perhaps more" if len(faults) >= MOST_FAULTS else ""
    mend = "mend these rows, or leave faulty rows out: --rejects FILE; --dry-run looks at all of them"
    if any(fault.field == "language" for fault in faults):
        mend = f"say in which language it was shown, {language}; or {mend.removeprefix('mend these rows, or ')}"
    mend = "; or ".join((*mends, mend))
    return BadInput(f"nothing{known} was imported: {named}{more}", where=str(path), mend=mend)


def check_unchanged(path: Path, sha256: str) -> None:
    """Look whether a file is still what it was when it was hashed.

    Raises:
        BadInput: it is not.
    """
    if file_sha256(path) != sha256:
        raise BadInput("the file changed while it was read", where=str(path), mend="run it again once nobody writes it")


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise BadInput("no such file", where=str(path), mend="look at how it is spelt, and where it lies") from None
    except OSError as error:
        raise BadInput(
            f"the file cannot be read: {error.strerror}",
            where=str(path),
            mend="look at its name, whose it is and its mode",
        ) from None
