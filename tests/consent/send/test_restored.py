"""After a restore nobody knows who was sent what since the backup: that step is not sent again by mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def lose_and_restore(shop: Any, backup: Path) -> Any:
    for end in ("", "-wal", "-shm"):
        (shop.folder / f"ledger.db{end}").unlink(missing_ok=True)
    return shop.imp("restore", str(backup), "--execute", "--json").ok().json


def test_a_step_sent_after_the_backup_is_not_sent_again_unless_it_is_said(shop: Any, tmp_path: Path) -> None:
    shop.everybody(3)
    backup = tmp_path / "ledger.bak"
    shop.imp("backup", str(backup)).ok()
    audience = shop.people(3)
    shop.send(audience, "--execute").ok()
    assert lose_and_restore(shop, backup)["messages_in_doubt"] == 3
    shop.imp("audit", "verify").ok()
    refused = shop.send(audience, "--execute")
    assert refused.code == 1
    assert "sent to 3 people before the ledger was restored" in refused.err
    assert len(shop.addresses()) == 3
    assert shop.send(audience, "--execute", "--resend-in-doubt").code == 0
    shop.imp("audit", "verify").ok()


def test_messages_sent_before_the_backup_are_known_and_nobody_is_sent_twice(shop: Any, tmp_path: Path) -> None:
    shop.everybody(3)
    audience = shop.people(3)
    shop.send(audience, "--execute").ok()
    backup = tmp_path / "ledger.bak"
    shop.imp("backup", str(backup)).ok()
    shop.imp("consent", "record", "member:1", "--purpose", "analytics", "--state", "refused").ok()
    assert lose_and_restore(shop, backup)["messages_in_doubt"] == 0
    shop.send(audience, "--execute").ok()
    assert len(shop.addresses()) == 3
    shop.imp("audit", "verify").ok()
