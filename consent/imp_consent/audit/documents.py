"""Notices and configurations: bytes of their own hash, each named by an entry; and every name resolves."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from imp_consent.audit.leaves import Leaves
from imp_consent.audit.problem import Problems, row_place
from imp_consent.audit.restored import lost_documents
from imp_core.ports import SystemEntry

__all__ = ["check_documents", "names_of"]

# Which field of a system entry names a stored document by its hash, and in which table it lies.
_NAMES: Final = {
    "policy": (("purposes", "policy"), ("regimes", "policy")),
    "notice": (("sha256", "notice"),),
    "experiment": (("definition_sha256", "policy"),),
    "plugin-enable": (("manifest_sha256", "policy"),),
    "import": (("rejects", "policy"), ("ahead", "policy")),
    "erased": (("files", "policy"),),
    "compact": (("files", "policy"),),
    "retention": (("files", "policy"),),
    "restore": (("files", "policy"), ("batches_lost", "policy"), ("documents", "policy")),
    "send-intent": (("definition", "policy"),),
}
# What these entries name can be added again, and is to be: until then it is a problem.
_AGAIN: Final = ("policy", "notice", "experiment", "plugin-enable")


def check_documents(
    sql: sqlite3.Connection, leaves: Leaves, shown: Collection[str], problems: Problems
) -> dict[str, bytes]:
    """Check both tables; `shown` are the notices that people's entries name. Returns the configurations by hash."""
    stored: dict[str, dict[str, bytes]] = {"notice": {}, "policy": {}}
    named = {"notice": leaves.named | set(shown), "policy": leaves.named}
    for table, bodies in stored.items():
        for sha256, body in sql.execute(f"SELECT sha256, body FROM {table}"):  # noqa: S608 (one of two names above)
            place = row_place(table, [sha256])
            if not isinstance(body, bytes) or hashlib.sha256(body).hexdigest() != sha256:
                problems.report("document.changed", place, "the bytes do not have the hash they are stored under")
                continue
            problems.expect(sha256 in named[table], "document.unnamed", place, "no entry names this document")
            bodies[sha256] = body
    _check_names(leaves, stored, problems)
    for name in sorted(set(shown) - stored["notice"].keys()):
        sentence = "a person's entry names a notice that is not stored"
        problems.report("document.missing", row_place("notice", [name]), sentence)
    return stored["policy"]


def _check_names(leaves: Leaves, stored: Mapping[str, Mapping[str, bytes]], problems: Problems) -> None:
    lost = lost_documents(leaves, stored["policy"])
    for entry in leaves.system:
        for table, name in names_of(entry):
            if name in stored[table]:
                continue
            place, sentence = row_place(table, [name]), f"entry {entry.seq} ({entry.type}) names a document that is "
            if name in lost and entry.type not in _AGAIN:
                problems.note("document.lost", place, f"{sentence}gone: a restore found it nowhere")
            else:
                problems.report("document.missing", place, f"{sentence}not stored")


def names_of(entry: SystemEntry) -> Iterator[tuple[str, object]]:
    """The documents a system entry names: the table each lies in, and its SHA-256 (hex)."""
    for name, table in _NAMES.get(entry.type, ()):
        named = entry.fields.get(name)
        if isinstance(named, Mapping):  # several documents, each by a name of its own
            yield from ((table, sha256) for sha256 in named.values())
        elif named is not None:
            yield table, named
