"""The log read leaf by leaf: every hash computed again from the leaf's bytes, and what the leaves say."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from imp_consent.audit.problem import Problems
from imp_consent.ledger.entry import parse_system_leaf
from imp_consent.ledger.merkle import Frontier, leaf_hash
from imp_core.counting import span
from imp_core.errors import LedgerBroken
from imp_core.ports import Json, SystemEntry

__all__ = ["Leaves", "person_fields", "read_leaves"]

# A person's leaf in canonical form (`imp_consent.ledger.entry.person_leaf`): most leaves are one.
_PERSON: Final = re.compile(
    rb'\{"commit":"([0-9a-f]{64})","day":(?:0|-?[1-9][0-9]{0,6}),"link":"([0-9a-f]{64})","v":1\}'
)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
# Types whose entries the other checks read again.
_KEPT: Final = frozenset(
    {
        "policy", "notice", "experiment", "plugin-enable", "import", "collect", "compact", "erased", "restore",
        "send-intent", "send-close", "key", "request", "retention",
    }
)  # fmt: skip


@dataclass(slots=True)
class Leaves:
    """What the leaves alone say.

    `roots` holds the tree's root at the sizes asked for, `nodes` the roots of complete subtrees at every eighth level
    by level and number, `links` the seq of each person's leaf by its link, `people`
    the number of persons' leaves, `system` the entries that name documents and files, and `named` everything any
    system entry says that looks like a SHA-256.
    """

    frontier: Frontier = field(default_factory=Frontier)
    roots: dict[int, bytes] = field(default_factory=dict)
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    links: dict[bytes, int] = field(default_factory=dict)
    people: int = 0
    system: list[SystemEntry] = field(default_factory=list)
    named: set[str] = field(default_factory=set)

    def append(self, hashed: bytes) -> None:
        """Take the next leaf into the tree."""
        self.frontier.extend((hashed,), self._keep)

    def _keep(self, level: int, number: int, root: bytes) -> None:
        self.nodes[level, number] = root

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self.frontier.size

    def of_type(self, type_: str) -> Iterator[SystemEntry]:
        """The kept system entries of one type, oldest first."""
        return (entry for entry in self.system if entry.type == type_)


def person_fields(leaf: bytes) -> tuple[str, str] | None:
    """Commitment and link (hex) of a person's leaf; None where it is not one."""
    match = _PERSON.fullmatch(leaf)
    return (match[1].decode(), match[2].decode()) if match else None


def read_leaves(
    sql: sqlite3.Connection, sizes: Collection[int], problems: Problems, count: Callable[[int], None]
) -> Leaves:
    """Read the whole log in order and check each row against its own bytes."""
    leaves, wanted, expected = Leaves(), set(sizes), 0
    if 0 in wanted:
        leaves.roots[0] = leaves.frontier.root()
    for seq, leaf, stored in sql.execute("SELECT seq, leaf, leaf_hash FROM entry ORDER BY seq"):
        count(1)
        if seq < 0:
            problems.report("entry.seq", f"entry {seq}", "an entry before the first one")
            continue
        if seq != expected:
            problems.report(
                "entry.gap",
                f"entry {expected}",
                f"{span(expected, seq - 1)} {'is' if seq == expected + 1 else 'are'} missing",
            )
        expected = seq + 1
        _read_leaf(seq, leaf, stored, leaves, problems)
        if leaves.size in wanted:
            leaves.roots[leaves.size] = leaves.frontier.root()
    return leaves


def _read_leaf(seq: int, leaf: object, stored: object, leaves: Leaves, problems: Problems) -> None:
    place = f"entry {seq}"
    if not isinstance(leaf, bytes):
        problems.report("entry.leaf", place, "the leaf is not bytes")
        leaf = b""
    hashed = leaf_hash(leaf)
    leaves.append(hashed)
    problems.expect(hashed == stored, "entry.hash", place, "the leaf's bytes do not have the leaf hash stored beside")
    person = person_fields(leaf)
    if person is not None:
        leaves.people += 1
        first = leaves.links.setdefault(bytes.fromhex(person[1]), seq)
        problems.expect(first == seq, "entry.link", place, f"the leaf bears the link of entry {first}")
        return
    try:
        entry = parse_system_leaf(leaf, seq=seq)
    except LedgerBroken as error:
        problems.report("entry.leaf", place, error.what)
        return
    if entry is None:
        problems.report("entry.leaf", place, "a person's leaf of no known form")
        return
    leaves.named.update(_hashes_in(entry.fields))
    if entry.type in _KEPT:
        leaves.system.append(entry)


def _hashes_in(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        if _SHA256.fullmatch(value):
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _hashes_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _hashes_in(item)
