"""Restores across changes of keys, of events that wait or were compacted, and what a person holds of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imp_consent.commands.audit import verify_workspace
from imp_consent.commands.backup import backup
from imp_consent.commands.check import check
from imp_consent.commands.compact import compact_workspace
from imp_consent.commands.erase import erase
from imp_consent.commands.ingest import ingest_into_inbox
from imp_consent.commands.record import record
from imp_consent.commands.restore import restore
from imp_consent.ledger.suppression import Suppressed
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.errors import LedgerBroken
from imp_core.event import RawId

VERIFIED = ("--verified", "reasonable", "--how", "answered a code")
ANN, BEN, CID, DAN = (RawId("member", name) for name in ("ann", "ben", "cid", "dan"))
Later = Callable[[], Context]


@pytest.fixture
def imp_at(place: Any, imp_here: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line in the backed up shop."""
    monkeypatch.setitem(imp_here.environ, "IMP_HOME", str(place.workspace))
    monkeypatch.setitem(imp_here.environ, "IMP_KEYS", str(place.keys))
    return imp_here


def restored(place: Any) -> Any:
    ctx = place.open()
    try:
        return restore(ctx, place.backup, execute=True)
    finally:
        ctx.close()


def reasons(place: Any) -> list[str]:
    ctx = place.open()
    found = [check(ctx, raw, purpose="analytics").reason for raw in (ANN, BEN, CID, DAN)]
    verified = verify_workspace(ctx)
    ctx.close()
    assert verified.ok, verified.problems
    return found


@pytest.mark.parametrize("words", ["rotate pepper", "rotate sign", "rotate kek", "wrap pepper", "wrap supp"])
def test_a_backup_from_before_a_change_of_keys_is_restored(place: Any, later: Later, imp_at: Any, words: str) -> None:
    imp_at("keys", *words.split(), "--execute").ok()
    ctx = later()
    record(ctx, ANN, purpose="analytics", state="withdrawn")
    erase(ctx, [DAN], later=True)
    ctx.close()
    place.lose()
    assert restored(place).people_erased == 1
    assert reasons(place) == ["lost", "given", "given", "no_record"]
    ctx = place.open(days=5)
    with pytest.raises(Suppressed):
        record(ctx, DAN, purpose="analytics", state="given")
    record(ctx, ANN, purpose="analytics", state="given")
    assert verify_workspace(ctx).ok
    ctx.close()


def test_tokens_of_people_erased_before_a_wrap_stay_in_force_through_a_restore(
    place: Any, later: Later, imp_at: Any
) -> None:
    ctx = later()
    erase(ctx, [DAN], later=True)
    ctx.close()
    imp_at("keys", "wrap", "supp", "--execute").ok()
    place.lose()
    restored(place)
    assert reasons(place)[3] == "no_record"
    ctx = place.open(days=5)
    with pytest.raises(Suppressed):
        record(ctx, DAN, purpose="analytics", state="given")
    record(ctx, DAN, purpose="analytics", state="given", returning=True)
    assert verify_workspace(ctx).ok
    ctx.close()


def test_a_backup_from_before_the_row_key_was_changed_is_refused_by_name(place: Any, later: Later, imp_at: Any) -> None:
    imp_at("keys", "rotate", "row", "--execute").ok()
    place.lose()
    with pytest.raises(LedgerBroken, match=r"row key .* was destroyed"):
        restored(place)
    assert not (place.workspace / "ledger.db").exists()


def test_a_receipt_from_after_the_backup_still_verifies_after_the_restore(
    place: Any, later: Later, imp_at: Any
) -> None:
    ctx = later()
    record(ctx, ANN, purpose="analytics", state="withdrawn")
    ctx.close()
    imp_at("consent", "receipt", "member:ann", *VERIFIED, "--out", str(place.folder / "receipts")).ok()
    place.lose()
    restored(place)
    imp_at("audit", "export", str(place.folder / "export")).ok()
    proofs = sorted((place.folder / "receipts").glob("*.tlog-proof"))
    assert len(proofs) == 2
    for proof in proofs:
        imp_at("audit", "verify", str(proof), "--vkey", str(place.folder / "export" / "log.vkey")).ok()
    imp_at("audit", "verify", str(place.folder / "export"), "--vkey", str(place.folder / "export" / "log.vkey")).ok()


def test_events_that_waited_and_were_compacted_since_are_there_once(place: Any, later: Later) -> None:
    place.backup.unlink()
    path = place.folder / "waiting.csv"
    rows = [f"touchpoint,member:{name},2026-03-02T11:00:00Z,analytics,w-{name},visit,web\n" for name in ("ann", "ben")]
    path.write_text("".join(["type,identifier,at,purpose,id,name,channel\n", *rows]))
    ctx = later()
    ingest_into_inbox(ctx, "file", path)
    backup(ctx, place.backup)
    compact_workspace(ctx)
    erase(ctx, [CID], later=True)
    ctx.close()
    place.lose()
    restored(place)
    ctx = place.open()
    found = verify_workspace(ctx)
    assert found.ok, found.problems
    with open_log(ctx).read() as reader:
        assert reader.sql.execute("SELECT count(*) FROM inbox").fetchone() == (0,)
        assert reader.sql.execute("SELECT sum(n) FROM batch WHERE state = 'live'").fetchone() == (5,)
    compact_workspace(ctx)
    assert verify_workspace(ctx).ok
    ctx.close()


def test_events_that_wait_in_the_backup_and_nowhere_else_wait_on(place: Any, later: Later) -> None:
    place.backup.unlink()
    path = place.folder / "waiting.csv"
    path.write_text(
        "type,identifier,at,purpose,id,name,channel\n"
        "touchpoint,member:ann,2026-03-02T11:00:00Z,analytics,w-1,visit,web\n"
        "touchpoint,member:dan,2026-03-02T11:00:00Z,analytics,w-2,visit,web\n"
    )
    ctx = later()
    ingest_into_inbox(ctx, "file", path)
    backup(ctx, place.backup)
    erase(ctx, [DAN], later=True)
    ctx.close()
    place.lose()
    restored(place)
    ctx = place.open()
    with open_log(ctx).read() as reader:
        assert reader.sql.execute("SELECT count(*) FROM inbox").fetchone() == (1,)
    compact_workspace(ctx)
    found = verify_workspace(ctx)
    assert found.ok, found.problems
    ctx.close()
