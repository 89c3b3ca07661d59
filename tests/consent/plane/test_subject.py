"""The only reader of one person's own rows: theirs, wherever they are, and nobody else's."""

from __future__ import annotations

import pytest

from imp_consent.plane import archive
from imp_consent.plane.remove import request_erasure, resume
from imp_consent.plane.subject import own_rows
from imp_core.errors import LedgerBroken


def names(shop, member):
    return [row.fields["name"] for row in own_rows(shop.log, shop.workspace, shop.subject(member))]


def visits(shop, number, *members):
    return [shop.event(m, f"{m}{number}", days_ago=number, name=f"of {m} {number}") for m in members]


def test_a_person_gets_their_rows_of_every_file_and_nobody_elses_by_time(shop):
    shop.give("1", "2")
    shop.take(*visits(shop, 1, "1", "2"), *visits(shop, 3, "1", "2"))
    shop.take(*visits(shop, 2, "2", "1"))
    assert names(shop, "1") == ["of 1 3", "of 1 2", "of 1 1"]
    assert names(shop, "2") == ["of 2 3", "of 2 2", "of 2 1"]


def test_what_waits_in_the_inbox_is_theirs_too_and_once_when_it_was_compacted(shop):
    shop.give("1", "2")
    shop.accept(*visits(shop, 1, "1", "2"))
    (row,) = own_rows(shop.log, shop.workspace, shop.subject("1"))
    assert (row.waiting, row.fields["name"], "batch" in row.fields) == (True, "of 1 1", False)
    shop.compact()
    (row,) = own_rows(shop.log, shop.workspace, shop.subject("1"))
    assert (row.waiting, row.fields["name"], row.fields["batch"]) == (False, "of 1 1", 1)


def test_no_row_tells_the_number_of_its_subject_or_shows_what_is_in_it(shop):
    shop.give("1")
    shop.take(*visits(shop, 1, "1"))
    (row,) = own_rows(shop.log, shop.workspace, shop.subject("1"))
    assert "subject" not in row.fields
    assert None not in row.fields.values()
    assert repr(row) == "OwnRow(waiting=False)"


def test_a_file_that_was_changed_or_is_gone_is_not_passed_over(shop):
    shop.give("1")
    shop.take(*visits(shop, 1, "1"))
    (path,) = shop.workspace.archive.glob("*.parquet")
    data = path.read_bytes()
    for broken in (data[:-1] + b"x", None):
        path.unlink()
        if broken is not None:
            path.write_bytes(broken)
        with pytest.raises(LedgerBroken):
            own_rows(shop.log, shop.workspace, shop.subject("1"))


def test_a_file_that_a_compaction_replaced_meanwhile_is_read_anew(shop, monkeypatch):
    shop.give("1")
    shop.take(*visits(shop, 1, "1"))
    shop.take(*visits(shop, 2, "1"))
    other, real, done = shop.other_log(), archive.read_live, []

    def read(workspace, file):
        if not done:
            done.append(True)
            shop.compact(log=other)
        return real(workspace, file)

    monkeypatch.setattr(archive, "read_live", read)
    assert names(shop, "1") == ["of 1 2", "of 1 1"]
    assert done
    other.close()


def test_somebody_else_who_is_erased_leaves_ones_own_rows_alone(shop):
    shop.give("1", "2")
    shop.take(*visits(shop, 1, "1", "2"))
    request_erasure(shop.log, [shop.subject("2")], {})
    resume(shop.log, shop.workspace)
    assert names(shop, "1") == ["of 1 1"]
