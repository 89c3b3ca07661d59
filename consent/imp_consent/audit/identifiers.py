"""Mappings from pseudonyms to subjects: each opens, and leads to somebody who has a key."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from imp_consent.audit.problem import Problems, row_place
from imp_consent.audit.rows import has_mac
from imp_consent.identity.keys import Keyring
from imp_consent.identity.secrets import KeyEncryption
from imp_consent.ledger.layout import SEALED

__all__ = ["check_identifiers"]

_TABLE = "identifier"


def check_identifiers(
    sql: sqlite3.Connection, keyring: Keyring, problems: Problems, count: Callable[[int], None]
) -> None:
    """An erased person leaves no mapping behind, and no mapping leads nowhere.

    Raises:
        KeysUnusable: the keyring lacks the key-encryption key of an untouched row.
    """
    row_key = keyring.active("row").secret
    columns = [*SEALED[_TABLE], "mac"]
    opened: dict[str, KeyEncryption] = {}
    for values in sql.execute(f"SELECT {', '.join(columns)} FROM {_TABLE}"):  # noqa: S608 (names from the schema)
        count(1)
        row = dict(zip(columns, values, strict=True))
        if not has_mac(row_key, _TABLE, values):
            continue  # reported with the other rows
        kek_id = row["kek_id"]
        if kek_id not in opened:
            opened[kek_id] = KeyEncryption(kek_id, keyring.by_id("kek", kek_id).secret)
        place = row_place(_TABLE, [row["kind"], row["epoch"], row["pseudonym"]])
        with problems.checking(place):
            subject = opened[kek_id].open_subject(row["subject"])
            living = sql.execute("SELECT 1 FROM subject_key WHERE subject = ?", (subject,)).fetchone()
            problems.expect(living, "identifier.orphan", place, "a mapping to a subject that has no key")
