"""A use sees what was known when it was marked, holds nobody up, and ends once, whatever dies when."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imp_consent.plane import archive, view
from imp_consent.plane.remove import request_erasure, resume
from imp_consent.plane.view import ConsentUse, ConsentView
from imp_core.clock import DAY_US, SECOND_US
from imp_core.errors import LedgerBroken
from imp_core.gate import Action, Use
from imp_core.ports import Superseded

USE = Use(purpose="analytics", action=Action.ANALYSE)


def _nothing() -> None: ...


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def filled(shop):
    """Members 1 and 2 with an event each."""
    shop.give("1", "2")
    shop.take(shop.event("1", "m1"), shop.event("2", "m2"))
    return shop


def _open(shop) -> ConsentUse:
    return ConsentView(shop.log, shop.workspace).open(USE)


def _subjects(use: ConsentUse) -> set[int]:
    return {subject for (subject,) in use.events.select("subject").fetchall()}


def _meanwhile(patch: pytest.MonkeyPatch, shop, act: Callable[[], object]) -> None:
    """Something happens, once, after the use was marked and before its state is read."""
    real, acts = shop.log.read, iter([_nothing, act])  # what waits is looked for before the mark

    def read():
        next(acts, _nothing)()
        return real()

    patch.setattr(shop.log, "read", read)


@pytest.mark.parametrize("channel", [None, "web"])
def test_what_is_said_after_the_mark_is_not_known_to_the_use(filled, monkeypatch, channel):
    other = filled.other_log()
    filled.say("2", "withdraw", at=filled.now - DAY_US, channel="web")
    everybody = {filled.subject("1"), filled.subject("2")} if channel is None else {filled.subject("1")}
    use_of = Use(purpose="analytics", channel=channel, action=Action.ANALYSE)
    view_of = ConsentView(filled.log, filled.workspace)

    def act():
        for type_, who in (("withdraw", "1"), ("grant", "2"), ("grant", "1")):
            filled.say(who, type_, at=filled.now - 2 * DAY_US, channel=channel or "", log=other)

    def seen(use):
        return sorted(use.events.fetchall()), sorted(use.closed.fetchall()), sorted(use.refused.fetchall())

    before = view_of.open(use_of)
    plain = seen(before)
    before.abandon()
    with monkeypatch.context() as patch:
        _meanwhile(patch, filled, act)  # another process writes: the lock is free
        use = view_of.open(use_of)
    other.close()
    assert (_subjects(use), seen(use)) == (everybody, plain)
    with pytest.raises(Superseded):
        use.close(readout_sha256="0" * 64, counts={})


def test_whoever_was_erased_between_the_mark_and_the_reading_is_in_no_use(filled, monkeypatch):
    other = filled.other_log()

    subject = filled.subject("1")

    def act():
        request_erasure(other, [subject], {"recorded_us": filled.now})
        resume(other, filled.workspace)

    with monkeypatch.context() as patch:
        _meanwhile(patch, filled, act)
        with pytest.raises(Superseded):
            _open(filled)
    other.close()
    use = _open(filled)
    assert _subjects(use) == {filled.subject("2")}
    use.close(readout_sha256="0" * 64, counts={})
    assert filled.verify().problems == ()


def test_a_file_that_vanished_or_was_changed_breaks_the_use_which_is_closed(filled):
    path = filled.workspace.root / filled.batches()[0].path
    data = path.read_bytes()
    for harmed in (data[:-1], b"", None):
        path.unlink()
        if harmed is not None:
            path.write_bytes(harmed)
        with pytest.raises(LedgerBroken, match=path.name):
            _open(filled)
        path.write_bytes(data)
    assert filled.table("SELECT count(*) FROM lease") == [(0,)]
    assert [entry["abandoned"] for entry in filled.entries("use-close")] == [True] * 3


def _dearer(path: Path) -> bytes:
    """The file, with every amount a thousandfold."""
    table = pq.read_table(path)
    values = pa.array([1_000_000] * len(table), table.schema.field("amount_micros").type)
    sink = pa.BufferOutputStream()
    pq.write_table(table.set_column(table.schema.get_field_index("amount_micros"), "amount_micros", values), sink)
    return sink.getvalue().to_pybytes()


def _total(use: ConsentUse) -> int:
    return int(use.events.sum("amount_micros").fetchall()[0][0])


def _replaced(path: Path, data: bytes) -> None:
    other = path.with_name("other")
    other.write_bytes(data)
    other.replace(path)


def _overwritten(path: Path, data: bytes) -> None:
    path.write_bytes(data)


@pytest.mark.parametrize("put", [_replaced, _overwritten])
@pytest.mark.parametrize("back", [False, True], ids=["left so", "put back before the close"])
def test_a_use_that_read_bytes_nobody_checked_has_no_result(filled, put, back):
    filled.take(filled.event("1", "m3", amount_micros=1000, currency="EUR"))
    path = filled.workspace.root / filled.batches()[-1].path
    good, before = path.read_bytes(), path.stat()
    use = _open(filled)
    put(path, _dearer(path))
    assert _total(use) == 1_000_000, "it is read where it lies"
    if back:
        put(path, good)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(LedgerBroken, match=path.name) as broken:
        use.close(readout_sha256="0" * 64, counts={})
    assert "imp audit verify" in str(broken.value.mend)
    assert [entry.get("abandoned") for entry in filled.entries("use-close")] == [True]
    assert filled.table("SELECT count(*) FROM lease") == [(0,)]
    path.write_bytes(good)
    again = _open(filled)
    assert _total(again) == 1000
    again.close(readout_sha256="0" * 64, counts={})
    assert filled.verify().problems == ()


def test_a_file_that_is_gone_at_the_close_breaks_the_use_and_a_touch_of_another_does_not(filled):
    path = filled.workspace.root / filled.batches()[0].path
    good = path.read_bytes()
    use = _open(filled)
    _subjects(use)
    (path.parent / "stranger").write_bytes(b"")
    use.close(readout_sha256="0" * 64, counts={})
    use = _open(filled)
    path.unlink()
    with pytest.raises(LedgerBroken):
        use.close(readout_sha256="0" * 64, counts={})
    path.write_bytes(good)
    assert [entry.get("abandoned") for entry in filled.entries("use-close")] == [None, True]


STEPS = {
    "before the mark": (view, "_mark", False),
    "after the mark": (view, "rectangles", False),
    "the state is read": (view, "rectangles", True),
    "the files are checked": (archive, "checked_live", True),
    "the files are open": (archive, "scan", True),
    "before the close": (ConsentUse, "_superseded", False),
    "in the close": (ConsentUse, "_superseded", True),
    "after the close": (ConsentUse, "_disconnect", False),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_readout_that_dies_ends_once_when_its_lease_has_run_out(filled, step, monkeypatch):
    owner, name, after = STEPS[step]
    real = getattr(owner, name)

    def dying(*given, **more):
        if after:
            real(*given, **more)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dying)
        # nothing runs any more once a process is killed: not the tidying up either
        patch.setattr(ConsentUse, "abandon", lambda _: None)
        with pytest.raises(Killed):
            _open(filled).close(readout_sha256="1" * 64, counts={})
    assert filled.verify().problems == ()
    filled.clock.move_to(filled.now + DAY_US)
    use = _open(filled)
    use.close(readout_sha256="2" * 64, counts={})
    opened = len(filled.entries("use-open"))
    closes = filled.entries("use-close")
    assert len({entry["use"] for entry in closes}) == len(closes) == opened
    assert filled.table("SELECT count(*) FROM lease") == [(0,)]
    assert filled.verify().problems == ()


def test_a_use_reads_a_shared_file_once(filled):
    filled.take(filled.event("1", "m3"), filled.event("2", "m4"))
    filled.compact()
    use = _open(filled)
    assert len(use.events.fetchall()) == 4
    use.close(readout_sha256="0" * 64, counts={})


def test_a_use_that_was_closed_by_others_is_not_closed_again(filled):
    use = _open(filled)
    filled.clock.move_to(filled.now + DAY_US)
    _open(filled).abandon()
    filled.clock.move_to(filled.now + SECOND_US)
    assert not use.abandon()
    with pytest.raises(Superseded):
        use.close(readout_sha256="0" * 64, counts={})


def test_a_use_sees_what_was_acknowledged_into_the_inbox(filled):
    filled.accept(filled.event("1", "m3"))
    use = _open(filled)
    assert len(use.events.fetchall()) == 3
    use.close(readout_sha256="0" * 64, counts={})
    assert filled.inbox() == 0
