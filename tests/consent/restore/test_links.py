"""What a backup holds of links: after a restore nobody's entries lead to those who were erased since."""

from __future__ import annotations

from typing import Any

from imp_consent.commands.audit import verify_workspace
from imp_consent.commands.backup import backup
from imp_consent.commands.erase import erase
from imp_consent.commands.restore import restore
from imp_consent.commands.signal_link import link_device
from imp_consent.runtime import open_log
from imp_core.event import RawId

ANN, BEN, TAB = RawId("member", "ann"), RawId("member", "ben"), RawId("device", "tab-1")


def test_r29_a_restored_device_does_not_lead_to_who_was_erased_since_the_backup(place: Any) -> None:
    ctx, copy = place.open(days=2), place.folder / "linked.bak"
    link_device(ctx, TAB, ANN)
    link_device(ctx, TAB, BEN)
    with open_log(ctx).read() as reader:
        ann, ben = (f"{reader.find_subject(raw):016x}" for raw in (ANN, BEN))
    backup(ctx, copy)
    erase(ctx, [ANN])
    ctx.close()
    (place.workspace / "ledger.db").unlink()
    ctx = place.open()
    restore(ctx, copy, execute=True)
    with open_log(ctx).read() as reader:
        said = [str(entry.payload) for entry in reader.history(reader.find_subject(TAB) or 0)]
    assert [sum(number in one for one in said) for number in (ann, ben)] == [0, 1]
    assert verify_workspace(ctx).problems == ()
    ctx.close()
