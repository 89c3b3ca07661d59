"""Whom purposes declared as getting data at some entry of the log and since, whatever they declare now.

Who was told of a recipient is not un-told by a change of the purpose: whoever got the data then has it still, and
whoever gets it since has it too. Both are told when it ends, and named to whoever asks (GDPR 15(1)(c), 17(2), 19).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Final, NamedTuple

from imp_consent.ledger.reader import Reader
from imp_consent.policy.purpose import DeclaredPurpose, Recipient, documents_over_time, parse_purposes

__all__ = ["DeclaredSince", "Got"]

_BETWEEN: Final = b"\n[[purpose]]\n"


class Got(NamedTuple):
    """Somebody that a purpose declared, as it did last; `still`: it does so now."""

    recipient: Recipient
    still: bool


class DeclaredSince:
    """The purposes as they were set one after the other: which there are is read once, each where it is needed.

    It does not hold the reader; every call is meant for the same one.
    """

    def __init__(self) -> None:
        self._set: list[tuple[int, str]] | None = None
        self._said: dict[tuple[str, int], DeclaredPurpose | None] = {}
        self._found: dict[tuple[str, int], Mapping[str, Got]] = {}
        self._declaring: dict[int, Mapping[str, set[str]]] = {}

    def recipients(self, reader: Reader, purpose: str, seq: int) -> Mapping[str, Got]:
        """By name, whom a purpose declared when the entry `seq` was written, or declares since.

        Raises:
            LedgerBroken: a document is missing or changed, or malformed in what it says of the purpose.
        """
        key = (purpose, self._held(reader, seq))
        if key not in self._found:
            found: dict[str, Got] = {}
            for index in range(max(key[1], 0), len(self._set or ())):
                declared = self._at(reader, index, purpose)
                got = None if declared is None else declared.recipient
                found = {name: Got(before.recipient, still=False) for name, before in found.items()}
                if got is not None:
                    found[got.name] = Got(got, still=True)
            self._found[key] = found
        return self._found[key]

    def is_for(self, reader: Reader, name: str, purposes: Collection[str], seq: int) -> bool:
        """Whether whom the notice of an entry names got data for one of these purposes, by what they declared then.

        A notice names recipients for all of its purposes together: whom others alone declare gets nothing for these;
        whom none declares may be of any.

        Raises:
            LedgerBroken: a document is missing, changed or malformed.
        """
        index = self._held(reader, seq)
        if index not in self._declaring:
            declaring = defaultdict[str, set[str]](set)
            for declared in self._all(reader, index):
                if declared.recipient is not None:
                    declaring[declared.recipient.name].add(declared.name)
            self._declaring[index] = dict(declaring)
        found = self._declaring[index].get(name)
        return found is None or not found.isdisjoint(purposes)

    def _held(self, reader: Reader, seq: int) -> int:
        """Which of the documents held when an entry was written; -1: none was set before it."""
        if self._set is None:
            self._set = documents_over_time(reader)
        return bisect_left(self._set, seq, key=itemgetter(0)) - 1

    def _at(self, reader: Reader, index: int, purpose: str) -> DeclaredPurpose | None:
        key = (purpose, index)
        if key not in self._said:
            head, *tables = self._tables(reader, index)
            begin = f'name = "{purpose}"\n'.encode()  # a name has nothing in it that would be escaped
            own = [table for table in tables if table.startswith(begin)]
            self._said[key] = next((one for table in own or [b""] for one in _parsed(head, table)), None)
        return self._said[key]

    def _all(self, reader: Reader, index: int) -> Iterator[DeclaredPurpose]:
        head, *tables = self._tables(reader, index) if index >= 0 else (b"",)
        for table in tables:
            yield from _parsed(head, table)

    def _tables(self, reader: Reader, index: int) -> list[bytes]:
        """A document's head and its purposes. Nothing in one has a line of its own: what is in it is in quotes."""
        return reader.document((self._set or [])[index][1]).split(_BETWEEN)


@lru_cache(maxsize=4096)
def _parsed(head: bytes, table: bytes) -> tuple[DeclaredPurpose, ...]:
    """One purpose of a document, or none: read once for all documents that say the same of it.

    A no waits for it, and it holds up every other: of a hundred documents few say anything new of the purpose.
    """
    return parse_purposes(head + _BETWEEN + table if table else head)
