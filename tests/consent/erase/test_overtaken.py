"""Erasures at once: whoever is overtaken goes on with what the other left."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.commands.audit import verify_workspace
from imp_consent.commands.erase import erase
from imp_consent.plane import remove
from imp_consent.plane.remove import pending
from imp_consent.runtime import open_log
from imp_core.errors import LedgerBroken
from imp_core.event import RawId

ANN, BEN = RawId("email", "ann@example.com"), RawId("member", "ben")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_erasure_that_another_overtakes_at_a_file_goes_on_with_what_is_live_then(
    place: Any, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Before the file is read, and once it is written anew and not yet swapped in."""
    real, overtaken = remove.archive.rewrite_without, []

    def rewrite(workspace: Any, file: Any, subjects: Any) -> Any:
        written = real(workspace, file, subjects) if moment == "after" or overtaken else None
        if not overtaken:
            overtaken.append(file)
            other = place.open()
            erase(other, [BEN])
            other.close()
        return written or real(workspace, file, subjects)

    monkeypatch.setattr(remove.archive, "rewrite_without", rewrite)
    ctx = place.open()
    erase(ctx, [ANN])
    ctx.close()
    again = place.open()
    assert overtaken
    assert pending(open_log(again)) == 0
    found = verify_workspace(again)
    assert (found.ok, found.living) == (True, 0)
    assert len(list(again.workspace.archive.iterdir())) == 2
    again.close()


def test_a_file_that_is_really_missing_stops_an_erasure(place: Any) -> None:
    ctx = place.open()
    next(iter(sorted(ctx.workspace.archive.iterdir()))).unlink()
    with pytest.raises(LedgerBroken, match="is missing"):
        erase(ctx, [ANN])
    assert pending(open_log(ctx)) == 1
    ctx.close()
