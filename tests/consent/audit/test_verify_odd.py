"""Entries of any type and shape, put into the database by whoever can write to it: the audit answers."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from imp_consent.ledger.encoding import encode
from imp_consent.ledger.entry import SYSTEM_TYPES
from imp_consent.ledger.merkle import leaf_hash

Audited = Any  # the conftest's class: test folders are no packages
ODD: list[Any] = [None, True, -1, 2**53 - 1, "", "x", "0" * 64, [], [1], ["x"], {}, {"x": {}}]
NAMES = ["type", "at", "actor", "fields", "v", "link", "commit", "day"]


def test_a_leaf_with_its_values_exchanged_is_a_problem_and_no_breakage(audited: Audited) -> None:
    chance = Random(20260303)
    with audited.sql() as sql:
        rows = sql.execute("SELECT seq, leaf FROM entry ORDER BY seq").fetchall()
    unseen = []
    for number in range(60):
        seq, sound = rows[number % len(rows)]
        document = json.loads(sound)
        for name in chance.sample(NAMES, 2):
            document[name] = chance.choice(ODD)
        odd = encode(chance.choice([document, document, document, chance.choice(ODD)]))
        with audited.sql() as sql:
            sql.execute("UPDATE entry SET leaf = ?, leaf_hash = ? WHERE seq = ?", (odd, leaf_hash(odd), seq))
        if audited.verify().ok:
            unseen.append((number, odd))
        with audited.sql() as sql:
            sql.execute("UPDATE entry SET leaf = ?, leaf_hash = ? WHERE seq = ?", (sound, leaf_hash(sound), seq))
    assert unseen == []
    assert audited.verify().ok


def test_entries_of_every_type_with_odd_fields_signed_by_the_operator_break_no_audit(
    pristine: Audited, another: Any
) -> None:
    """Not all of them are wrong: what matters is that there is an answer."""
    chance = Random(20260304)
    with pristine.sql() as sql:
        fields = {
            name for (leaf,) in sql.execute("SELECT leaf FROM entry") for name in json.loads(leaf).get("fields", ())
        }
    names = sorted({*fields, "handover", "action", "id", "previous", "files", "leaves", "people", "n", "tail"})
    wrong = 0
    for type_ in sorted(SYSTEM_TYPES) * 4:
        audited = another()
        with audited.log() as log, log.write() as transaction:
            transaction.append_system(type_, {name: chance.choice(ODD) for name in names})
        wrong += not audited.verify().ok
    assert wrong > len(SYSTEM_TYPES)
