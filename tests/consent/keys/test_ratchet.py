"""The ratchet: everybody is as before, and the old key-encryption key opens nothing because it is nowhere."""

from __future__ import annotations

import stat
from typing import Any

import pytest

from imp_consent.ledger.ratchet import ratchet
from imp_consent.ledger.sealed import Value
from imp_consent.ledger.survivors import open_survivors
from imp_core.errors import LedgerBroken


def rows(log: Any, table: str) -> list[tuple[Value, ...]]:
    with log.read() as reader:
        return list(reader.sealed.select(table))


def test_after_a_ratchet_everybody_is_as_before_and_the_old_key_is_nowhere(ledger: Any) -> None:
    log = ledger.open()
    before, old = ledger.answers(log), log.keyring.active("kek")
    done = ratchet(log)
    assert (done.subjects, done.identifiers, done.previous) == (4, 4, old.id)
    assert ledger.answers(log) == before == ledger.answers(ledger.open())
    assert {row[2] for row in rows(log, "subject_key")} == {done.id} == {row[6] for row in rows(log, "identifier")}
    assert not log.keyring.has("kek", old.id)
    everything = b"".join(path.read_bytes() for path in ledger.keys.iterdir())
    assert old.secret not in everything
    assert old.id.encode() not in b"".join(path.name.encode() for path in ledger.keys.iterdir())


def test_a_ratchet_is_an_entry_without_a_secret(ledger: Any) -> None:
    log = ledger.open()
    done = ratchet(log)
    with log.read() as reader:
        (entry,) = reader.system_entries("key")
    assert entry.seq == done.seq
    assert dict(entry.fields) == {"purpose": "kek", "action": "rotate", "id": done.id, "previous": done.previous}


def test_the_survivors_lie_outside_under_the_new_key(ledger: Any) -> None:
    log = ledger.open()
    assert open_survivors(log.keyring) is None
    done = ratchet(log)
    found = open_survivors(log.keyring)
    assert found is not None
    assert (found.keys["kek"], found.rows, found.size) == (done.id, 8, done.seq + 1)
    assert list(found.read()) == [(table, row) for table in ("identifier", "subject_key") for row in rows(log, table)]
    assert stat.S_IMODE(found.path.stat().st_mode) == 0o600


def test_changed_survivors_are_refused(ledger: Any) -> None:
    log = ledger.open()
    ratchet(log)
    path = ledger.keys / "survivors"
    sound = path.read_bytes()
    lines = sound.splitlines(keepends=True)
    for harm in (
        sound.replace(b"member", b"device", 1),
        b"".join([lines[0], *lines[2:]]),
        sound + b"x",
        sound[:-3],
        lines[0],
        b"",
        b"[]\n",
        b"\xff\n" * 3,
        b'{"format":[' * 500,
    ):
        path.write_bytes(harm)
        with pytest.raises(LedgerBroken, match="survivors"):
            open_survivors(log.keyring)


def test_a_row_put_in_by_other_hands_is_not_sealed_anew(ledger: Any) -> None:
    log = ledger.open()
    with log.read() as reader:
        sql = reader.sql
    sql.execute("DELETE FROM identifier WHERE pseudonym = (SELECT min(pseudonym) FROM identifier)")
    before = sorted(path.name for path in ledger.keys.glob("*.key"))
    with pytest.raises(LedgerBroken, match="added or taken away"):
        ratchet(log)
    assert sorted(path.name for path in ledger.keys.glob("*.key")) == before
