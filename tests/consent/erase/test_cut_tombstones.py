"""Tombstones of which lines were cut off: missed, written again as far as anybody knows them, and named for good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands.audit import verify_workspace
from imp_consent.commands.backup import backup
from imp_consent.commands.erase import erase
from imp_consent.commands.key_changes import wrap_key
from imp_consent.commands.record import record
from imp_consent.commands.restore import restore
from imp_consent.ledger.tombstones import Tombstones
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.errors import CheckFailed
from imp_core.event import RawId

ANN, BEN, CID = RawId("email", "ann@example.com"), RawId("member", "ben"), RawId("member", "cid")


def found(place: Any) -> tuple[set[str], set[str]]:
    ctx = place.open()
    try:
        result = verify_workspace(ctx)
    finally:
        ctx.close()
    return {problem.code for problem in result.problems}, {note.code for note in result.notes}


def cut(place: Any, lines: int) -> None:
    path = place.keys / "tombstones"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-lines]))


def erased_by(place: Any, who: RawId) -> dict[str, Any]:
    ctx = place.open()
    try:
        seq = erase(ctx, [who]).seq
        with open_log(ctx).read() as reader:
            return next(dict(entry.fields) for entry in reader.system_entries("erased") if entry.seq == seq)
    finally:
        ctx.close()


@pytest.mark.parametrize("lines", [1, 2])
def test_a_later_erasure_says_what_is_missing_and_notes_again_who_is_suppressed(place: Any, lines: int) -> None:
    old = place.folder / "old.bak"
    ctx = place.open()
    backup(ctx, old)
    ctx.close()
    assert "tombstones_lost" not in erased_by(place, ANN)  # two lines: she is erased, her address suppressed
    cut(place, lines)
    assert found(place)[0] == {"tombstones.short"}
    said = erased_by(place, BEN)
    assert (said["tombstones_lost"], said["tombstones"]) == (2, 5 - lines)
    assert found(place) == (set(), {"tombstones.lost"})
    ctx = place.open()
    log = open_log(ctx)
    with log.read() as reader:
        stored = {bytes(row[0]) for row in reader.sealed.select("suppression")}
    assert Tombstones(place.keys, log.keyring).read().suppressed == stored
    assert len(stored) == 2
    assert [check.name for check in ctx.ledger.diagnose() if not check.ok] == []
    ctx.close()
    refuse_to_restore(place, old)


def refuse_to_restore(place: Any, old: Path) -> None:
    (place.workspace / "ledger.db").unlink()
    ctx = place.open()
    with pytest.raises(CheckFailed, match="would bring them back"):
        restore(ctx, old)
    ctx.close()


def test_lines_appended_since_do_not_hide_that_others_are_gone(place: Any, shop: Context) -> None:
    erased_by(place, ANN)
    cut(place, 1)
    record(shop, ANN, purpose="analytics", state="given", returning=True)  # a line: lifted
    record(shop, CID, purpose="analytics", state="given")
    assert "tombstones.short" in found(place)[0]


def test_what_an_erasure_says_of_a_loss_does_not_answer_for_a_later_one(place: Any, shop: Context) -> None:
    record(shop, CID, purpose="analytics", state="given")
    erased_by(place, ANN)
    cut(place, 1)
    erased_by(place, BEN)
    assert found(place)[0] == set()
    cut(place, 1)
    assert found(place)[0] == {"tombstones.short"}
    assert erased_by(place, CID)["tombstones_lost"] > 0
    assert found(place) == (set(), {"tombstones.lost"})


def test_an_erasure_goes_on_where_the_suppression_key_is_wrapped_after_its_request(
    place: Any, shop: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury = Tombstones.bury

    def late(stones: Tombstones, subjects: Any) -> None:
        monkeypatch.setattr(Tombstones, "bury", bury)
        for change in (lambda ctx: wrap_key(ctx, "supp"), lambda ctx: erase(ctx, [BEN], later=True)):
            ctx = place.open()
            change(ctx)
            ctx.close()
        bury(stones, subjects)

    monkeypatch.setattr(Tombstones, "bury", late)
    erase(shop, [ANN])  # the other erasure may have finished it
    with open_log(shop).read() as reader:
        assert reader.find_subject(ANN) is reader.find_subject(BEN) is None
    shop.close()
    assert found(place) == (set(), set())
