"""Readers beside a change of keys: a snapshot whose keys are gone by the time they are looked for is taken again."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.rotate import rotate


def test_a_reader_that_is_overtaken_by_changes_of_keys_reads_on(ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, changer = ledger.open(), ledger.open()
    answers = ledger.answers(reader)
    rotate(changer, "kek")
    really, overtaken = Keyring.reload, []

    def slow(ring: Keyring) -> Keyring:
        if not overtaken:
            overtaken.append(True)
            rotate(changer, "kek")  # its snapshot is of before, the ring of after
        return really(ring)

    monkeypatch.setattr(Keyring, "reload", slow)
    assert ledger.answers(reader) == answers
    assert overtaken


def test_a_reader_goes_on_in_its_snapshot_while_the_keys_change(ledger: Any) -> None:
    reader, changer = ledger.open(), ledger.open()
    with reader.read() as snapshot:
        for purpose in ("kek", "row", "pepper", "sign"):
            rotate(changer, purpose)
        assert sum(1 for table in ("identifier", "subject_key") for _ in snapshot.sealed.select(table)) == 8
        subject = next(int(str(row[0])) for row in snapshot.sealed.select("subject_key"))
        assert snapshot.history(subject)
    assert ledger.answers(reader) == ledger.answers(changer)
