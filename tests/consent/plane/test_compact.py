"""A compaction makes batches of the inbox exactly once, and one file of small ones; each row keeps its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imp_consent.ledger.log import Log
from imp_consent.plane import archive, remove
from imp_consent.plane.compact import collect, merge
from imp_consent.plane.remove import request_erasure, resume
from imp_consent.plane.view import ConsentView
from imp_core.clock import DAY_US, SECOND_US
from imp_core.errors import BadInput, ImpError, LedgerBroken
from imp_core.gate import Action, Use
from imp_core.ports import Superseded

USE = Use(purpose="analytics", action=Action.ANALYSE)


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def small(shop):
    """Four batches of one or two rows by members 1, 2 and 3."""
    shop.give("1", "2", "3")
    for at, members in enumerate(("12", "2", "31", "3")):
        shop.take(*(shop.event(member, f"m{at}{member}") for member in members))
    return shop


def _use(shop, log=None):
    return ConsentView(log or shop.log, shop.workspace).open(USE)


def test_what_waits_becomes_one_batch_a_channel_and_the_inbox_is_empty(shop):
    shop.give("1", "2")
    shop.accept(shop.event("1", "m1", name="click 点击", amount_micros=2**60), shop.event(None, "m2", campaign="c"))
    shop.accept(shop.event("2", "m3"), channel="shop")
    before = {row["event_id"] for row in shop.rows()}
    done = shop.compact()
    assert [(one.channel, one.rows, one.denied) for one in done.collected] == [("shop", 1, {}), ("web", 2, {})]
    assert (done.files_before, done.files) == (0, 1)  # and then both files were put together
    assert (shop.inbox(), before) == (0, set())
    rows = {row["name"]: row for row in shop.rows()}
    assert (rows["click 点击"]["amount_micros"], rows["click 点击"]["channel"]) == (2**60, "web")
    assert [entry["inbox"] for entry in shop.entries("collect")] == [1, 2]
    assert shop.accept(shop.event("1", "m1")).duplicates == 1
    assert shop.verify().ok


def test_a_compacted_row_is_that_of_an_intake_but_for_where_it_lies(shop):
    shop.give("1")
    fields = {"name": "buy", "session": "s", "props": {"device": "x"}, "stratum": "地区", "ref": "o1", "quantity": 2}
    terms = {"props": frozenset({"device"})}
    shop.accept(shop.event("1", "m1", **fields), **terms)
    shop.compact()
    shop.take(shop.event("1", "m2", **fields), terms=terms)
    taken = [{**row, "batch": 0, "row": 0, "event_id": "", "intake_seq": 0} for row in shop.rows()]
    assert taken[0] == taken[1]


def test_whoever_withdrew_while_it_waited_does_not_come_into_the_archive(shop):
    shop.give("1", "2")
    shop.accept(shop.event("1", "m1"), shop.event("2", "m2"), shop.event("9", "m3"))
    shop.say("1", "withdraw", at=shop.now - SECOND_US)
    (done,) = shop.compact().collected
    assert (done.rows, done.denied) == (1, {"withdrawn": 1})
    assert shop.entries("collect")[-1]["denied"] == {"no_record": 1, "withdrawn": 1}
    assert shop.inbox() == 0


def test_where_nothing_may_be_kept_there_is_an_entry_and_no_file(shop):
    shop.give("1")
    shop.accept(shop.event("1", "m1"))
    shop.say("1", "withdraw", at=shop.now - SECOND_US)
    (done,) = shop.compact().collected
    assert (done.rows, done.batch, shop.files()) == (0, None, [])
    assert shop.entries("collect")[-1]["batch"] is None
    assert shop.compact().collected == ()
    assert shop.verify().ok


def test_a_withdrawal_between_the_writing_and_the_commit_is_heard(shop, monkeypatch):
    shop.give("1", "2")
    shop.accept(shop.event("1", "m1"), shop.event("2", "m2"))
    real = collect.commit_file

    def late(*arguments, **more):
        shop.say("1", "withdraw", at=shop.now - SECOND_US)
        return real(*arguments, **more)

    monkeypatch.setattr(collect, "commit_file", late)
    (done,) = shop.compact().collected
    assert (done.rows, done.denied) == (1, {"withdrawn": 1})
    assert [row["subject"] for row in shop.rows()] == [shop.subject("2")]


def test_of_two_compactions_at_once_one_takes_the_events(shop, monkeypatch):
    shop.give("1")
    shop.accept(shop.event("1", "m1"), shop.event("1", "m2"))
    other, real = shop.other_log(), collect.commit_file

    def late(*arguments, **more):
        monkeypatch.setattr(collect, "commit_file", real)
        shop.compact(log=other)
        return real(*arguments, **more)

    monkeypatch.setattr(collect, "commit_file", late)
    shop.compact()
    other.close()
    assert len({row["event_id"] for row in shop.rows()}) == len(shop.rows()) == 2
    assert (shop.inbox(), shop.verify().problems) == (0, ())


def test_many_events_make_several_batches(shop, monkeypatch):
    monkeypatch.setattr(collect, "_BATCH", 2)
    shop.give("1")
    shop.accept(*(shop.event("1", f"m{at}") for at in range(5)))
    assert [one.rows for one in shop.compact(below=1).collected] == [2, 2, 1]
    assert len(shop.rows()) == 5


def test_small_files_become_one_and_every_row_keeps_its_place(small):
    rows, old, batches = small.rows(), small.files(), small.batches()
    done = small.compact()
    assert [(one.batches, one.files, one.rows) for one in done.merged] == [((1, 2, 3, 4), 4, 6)]
    assert small.rows() == rows
    assert len(small.files()) == 1
    assert not set(small.files()) & set(old)
    after = small.batches()
    assert [(one.batch, one.n, one.collect_seq, one.version) for one in after] == [
        (one.batch, one.n, one.collect_seq, 1) for one in batches
    ]
    assert len({(one.path, one.sha256) for one in after}) == 1
    (entry,) = small.entries("compact")
    with small.log.read() as reader:
        listing = json.loads(reader.document(entry["files"]))
    assert listing == [{"batch": one.batch, "version": 1, "sha256": one.sha256, "n": one.n} for one in after]
    assert (small.compact().merged, small.verify().problems) == ((), ())


def test_files_are_put_together_until_they_are_no_longer_small(small):
    done = small.compact(below=3)
    assert [one.batches for one in done.merged] == [(1, 2), (3, 4)]
    assert small.compact(below=3).merged == ()
    small.take(small.event("1", "m9"))
    again = small.compact(below=4)
    assert [one.batches for one in again.merged] == [(1, 2, 3, 4)]
    assert [one.version for one in small.batches()] == [2, 2, 2, 2, 0]
    assert small.verify().ok


def test_a_dry_run_of_a_compaction_counts_and_changes_nothing(small):
    small.accept(small.event("1", "m9"))
    before = small.state()
    done = small.compact(dry_run=True)
    assert (done.dry_run, [one.rows for one in done.collected], [one.files for one in done.merged]) == (True, [1], [4])
    assert small.state() == before


def test_a_number_of_rows_below_one_is_refused(small):
    with pytest.raises(BadInput, match="below"):
        small.compact(below=0)


def test_files_that_somebody_reads_wait_for_the_next_time(small):
    use = _use(small)
    small.take(small.event("1", "m8"))
    small.take(small.event("1", "m9"))
    done = small.compact()
    assert ([one.batches for one in done.merged], done.left.read) == ([(5, 6)], 4)
    use.close(readout_sha256="0" * 64, counts={})
    assert [one.files for one in small.compact().merged] == [5]


def test_a_lease_that_ran_out_stands_in_nobodys_way(small):
    use = _use(small)
    small.clock.move_to(small.now + DAY_US)
    assert len(small.compact().merged) == 1
    with pytest.raises(Superseded):
        use.close(readout_sha256="0" * 64, counts={})
    assert small.entries("use-close") == [{"use": use.seq, "abandoned": True}]


def test_while_an_erasure_is_under_way_no_file_is_put_together(small, monkeypatch):
    request_erasure(small.log, [small.subject("1")], {"recorded_us": small.now})
    done = small.compact()
    assert (done.merged, done.left.erasing) == ((), 4)
    resume(small.log, small.workspace)
    assert [one.rows for one in small.compact().merged] == [4]
    assert small.verify().ok


def test_an_erasure_rewrites_a_shared_file_once_and_names_all_its_batches(small, monkeypatch):
    small.compact()
    written = []
    real = archive.rewrite_without
    monkeypatch.setattr(remove.archive, "rewrite_without", lambda *given: written.append(given) or real(*given))
    kept = [row for row in small.rows() if row["subject"] != small.subject("1")]
    request_erasure(small.log, [small.subject("1")], {"recorded_us": small.now})
    done = resume(small.log, small.workspace)
    assert (len(written), done.files, done.rows) == (1, 1, 2)
    assert small.rows() == kept
    assert [(one.batch, one.version, one.n) for one in small.batches()] == [(1, 2, 1), (2, 2, 1), (3, 2, 1), (4, 2, 1)]
    assert small.verify().problems == ()
    # and a third compaction stands on that
    small.take(small.event("2", "m9"))
    small.compact()
    assert [one.version for one in small.batches()] == [3] * 5
    assert small.verify().problems == ()


def test_whoever_changed_a_file_first_wins(small, monkeypatch):
    real = merge._write

    def late(*given):
        new = real(*given)
        other = small.other_log()
        request_erasure(other, [small.subject("1")], {"recorded_us": small.now})
        resume(other, small.workspace)
        other.close()
        return new

    monkeypatch.setattr(merge, "_write", late)
    assert small.compact().merged == ()
    assert small.subject("1") is None
    assert {row["subject"] for row in small.rows()} == {small.subject("2"), small.subject("3")}
    assert small.verify().problems == ()


@pytest.mark.parametrize("what", ["a use is opened", "an erasure is requested"])
def test_what_begins_while_the_file_is_written_is_let_go_first(small, monkeypatch, what):
    real, other, uses = merge._write, small.other_log(), []

    def late(*given):
        if what == "a use is opened":
            uses.append(_use(small, other))
        else:
            request_erasure(other, [small.subject("1")], {"recorded_us": small.now})
        return real(*given)

    before = sorted(small.workspace.archive.iterdir())
    monkeypatch.setattr(merge, "_write", late)
    assert small.compact().merged == ()
    assert sorted(small.workspace.archive.iterdir()) == before
    for use in uses:
        use.close(readout_sha256="0" * 64, counts={})
    other.close()


BREAKS = {
    "before the file is written": (merge, "_write", False),
    "after the file was written": (merge, "_write", True),
    "in the transaction": (archive, "replace_files", False),
    "before the commit": (archive, "format_listing", True),
    "after the commit": (archive, "remove_orphans", False),
    "the inbox is gated": (collect, "ask", False),
    "the inbox's file is there": (collect, "read_contents", True),
    "the inbox is emptied": (collect, "remove", True),
    "the inbox's batch is committed": (collect, "commit_file", True),
}


@pytest.mark.parametrize("step", BREAKS)
def test_a_compaction_that_dies_leaves_nothing_half_done(small, step):
    small.accept(small.event("1", "m8"), small.event("2", "m9"))
    events = {row["event_id"] for row in small.rows()}
    owner, name, after = BREAKS[step]
    with pytest.MonkeyPatch.context() as patch:
        _die(patch, owner, name, after=after, second=step == "after the commit")
        with pytest.raises(Killed):
            small.compact()
    assert small.verify().problems == ()
    small.take(small.event("3", "another"))  # sweeps
    assert small.compact().collected != () or step not in {"the inbox is gated", "the inbox is emptied"}
    rows = small.rows()
    assert len(rows) == len({row["event_id"] for row in rows}) == len(events) + 3
    assert small.inbox() == 0
    result = small.verify()
    assert (result.problems, result.notes) == ((), ())


def _die(patch, owner, name, *, after, second):
    real, calls = getattr(owner, name), []

    def dying(*given, **more):
        calls.append(name)
        if second and len(calls) == 1:
            return real(*given, **more)
        if after:
            real(*given, **more)
        raise Killed

    patch.setattr(owner, name, dying)


def test_what_a_killed_compaction_left_is_noted_but_a_file_put_back_after_an_erasure_is_not(small):
    held = {path.name: path.read_bytes() for path in small.workspace.archive.iterdir()}
    small.compact()
    for name, data in held.items():
        (small.workspace.archive / name).write_bytes(data)
    result = small.verify()
    assert (result.problems, [note.code for note in result.notes]) == ((), ["archive.unfinished"] * 4)
    request_erasure(small.log, [small.subject("1")], {"recorded_us": small.now})
    resume(small.log, small.workspace)
    assert len(small.files()) == 1
    for name, data in held.items():
        (small.workspace.archive / name).write_bytes(data)
    assert {problem.code for problem in small.verify().problems} == {"archive.unregistered"}


def test_an_erasure_of_guardians_nobody_knows_looks_at_no_file_and_says_nothing_of_what_was_left(small):
    held = {path.name: path.read_bytes() for path in small.workspace.archive.iterdir()}
    small.compact()
    for name, data in held.items():
        (small.workspace.archive / name).write_bytes(data)
    with small.log.write() as transaction:
        transaction.append_system("erased", {"people": 0, "authorisations": 1, "leaves": 0, "rows": 0})
    result = small.verify()
    assert (result.problems, [note.code for note in result.notes]) == ((), ["archive.unfinished"] * 4)
    small.take(small.event("1", "m9"))
    small.compact()
    assert small.verify().ok


def test_a_row_taken_out_of_the_inbox_by_other_hands_is_noticed(small):
    small.accept(small.event("1", "m9"))
    with small.log.write() as transaction:
        transaction.sql.execute("DELETE FROM inbox")
    result = small.verify()
    assert [problem.code for problem in result.problems] == ["table.sum"]


def test_a_file_that_is_gone_stops_a_compaction_with_its_name(small):
    victim = Path(small.root / small.batches()[1].path)
    victim.unlink()
    with pytest.raises(LedgerBroken, match=victim.name):
        small.compact()
    assert small.batches()[0].version == 0


def test_a_disk_that_is_full_leaves_everything_as_it_was(small, monkeypatch):
    before = small.state()
    monkeypatch.setattr(Log, "write", lambda _: (_ for _ in ()).throw(ImpError("the disk is full")))
    with pytest.raises(ImpError, match="full"):
        small.compact()
    monkeypatch.undo()
    assert small.state() == before
