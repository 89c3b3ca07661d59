"""Several processes on one ledger: nothing acknowledged is lost, no gap, and the checkpoint outside never goes back."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from imp_consent.ledger.checkpoint import open_checkpoint
from imp_consent.ledger.log import Log, signing_key
from imp_consent.ledger.store import connect
from imp_core.errors import LedgerBroken

WRITERS, ENTRIES = 3, 30
WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from imp_consent.identity.keys import Keyring
    from imp_consent.ledger.entry import Statement
    from imp_consent.ledger.log import Log
    from imp_consent.policy.project import project
    from imp_core.clock import SystemClock
    from imp_core.event import RawId
    from imp_core.randomness import SystemRandomness

    folder, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    log = Log(folder / "ledger.db", Keyring.open(folder / "keys", "test-log"), log_id="test-log", clock=SystemClock(),
              randomness=SystemRandomness(), actor=name, projection=project)
    grant = Statement(type="grant", purpose="analytics", channel="", at_us=5)
    for number in range(count):
        with log.write() as transaction:
            seq = transaction.append_person(transaction.subject_for(RawId("member", f"{name}{number}")), grant, {})
        print(seq, flush=True)
    log.close()
    """
)


def test_three_writers_lose_nothing_and_the_checkpoint_only_grows(open_log: Callable[[], Log], tmp_path: Path) -> None:
    log = open_log()
    verifier = signing_key(log.keyring, "test-log").verifier
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), name, str(ENTRIES)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in "abc"[:WRITERS]
    ]
    sizes = [0]
    while any(writer.poll() is None for writer in writers):
        try:
            note = (tmp_path / "keys" / "checkpoint").read_text()
        except FileNotFoundError:
            continue
        sizes.append(open_checkpoint(note, verifier).size)
    said = [writer.communicate() for writer in writers]
    assert [(writer.returncode, error) for writer, (_, error) in zip(writers, said, strict=True)] == [(0, "")] * WRITERS
    acknowledged = sorted(int(line) for out, _ in said for line in out.split())
    assert acknowledged == list(range(WRITERS * ENTRIES))
    assert sizes == sorted(sizes)
    assert log.size == WRITERS * ENTRIES
    outside = log.outside()
    assert outside is not None
    assert outside.size == WRITERS * ENTRIES


def test_a_checkpoint_that_cannot_be_written_does_not_unsay_what_was_committed(
    open_log: Callable[[], Log], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = open_log()

    def full(*_: object, **__: object) -> None:
        raise LedgerBroken("no space")

    with monkeypatch.context() as patch:
        patch.setattr("imp_consent.ledger.outside.write_atomically", full)
        with log.write() as transaction:
            seq = transaction.append_system("policy", {})
    assert seq == 0
    assert "not signed yet" in caplog.text
    assert log.outside() is None
    with log.write() as transaction:
        transaction.append_system("policy", {})
    outside = log.outside()
    assert outside is not None
    assert outside.size == 2


def test_a_lost_checkpoint_stops_writing_until_somebody_says_so(open_log: Callable[[], Log]) -> None:
    log = open_log()
    with log.write() as transaction:
        transaction.append_system("policy", {})
    log.keyring.checkpoint_file.unlink()
    with pytest.raises(LedgerBroken, match="is gone"), log.write() as transaction:
        transaction.append_system("policy", {})
    with pytest.raises(LedgerBroken, match="is gone"):
        log.checkpoint()
    assert log.checkpoint(without_previous=True).size == 1
    with log.write() as transaction:
        transaction.append_system("policy", {})
    assert log.size == 2


def test_a_ledger_that_is_locked_is_called_busy_and_not_tampered_with(
    open_log: Callable[[], Log], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imp_consent.ledger.store._BUSY_MS", 50)
    log = open_log()
    holder = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerBroken, match="busy") as caught, log.write() as transaction:
        transaction.append_system("policy", {})
    assert "backup" not in str(caught.value)
    holder.execute("ROLLBACK")
    log.close()
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(LedgerBroken) as caught:
        connect(tmp_path / "ledger.db").close()
    assert "backup" not in str(caught.value)
    holder.close()


def test_who_reads_or_rewrites_waits_for_others_after_a_write_that_did_its_own_waiting(
    open_log: Callable[[], Log], tmp_path: Path
) -> None:
    log = open_log()
    with log.write() as transaction:
        transaction.append_system("policy", {})
    holder = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.2, holder.execute, ["ROLLBACK"])
    timer.start()
    assert log.compact()
    timer.join()
    with log.write() as transaction:
        transaction.append_system("policy", {})
    with log.read() as reader:
        assert reader.sql.execute("PRAGMA busy_timeout").fetchone() == (30_000,)
    holder.close()
    log.close()
