"""What a material change takes from a person's rectangles, piece by piece."""

from __future__ import annotations

import duckdb
import pytest

from imp_consent.gate.exceptions import denied_channels
from imp_consent.gate.frames import rectangles
from imp_consent.gate.stage import outside_of
from imp_consent.ledger.entry import Statement
from imp_consent.policy.cuts import Cut, cut_rectangle, cut_segments, cuts_in, cuts_of, ended_before
from imp_consent.policy.state import Rectangle, Segment
from imp_core.errors import LedgerBroken
from imp_core.event import RawId
from imp_core.ports import SystemEntry

YES = Segment(10, 100, permit=True, reason="given", entries=(3,))


def told(segments) -> list[tuple[int, int, str, tuple[int, ...]]]:
    return [(s.from_us, s.to_us, s.reason, s.entries) for s in segments]


def test_a_cut_takes_what_comes_after_it_and_leaves_what_was_before() -> None:
    cut = Cut("ads", 50, 7)
    assert told(cut_segments([YES], [cut])) == [(10, 50, "given", (3,)), (50, 100, "notice_changed", (7, 3))]
    assert [segment.permit for segment in cut_segments([YES], [cut])] == [True, False]


@pytest.mark.parametrize(("at_us", "left"), [(5, 0), (10, 0), (11, 1), (99, 1)])
def test_a_cut_before_the_yes_takes_all_of_it(at_us: int, left: int) -> None:
    pieces = cut_segments([YES], [Cut("ads", at_us, 7)])
    assert [piece.reason for piece in pieces] == ["given"] * left + ["notice_changed"]


def test_a_cut_at_the_end_of_a_yes_or_after_it_takes_nothing() -> None:
    assert cut_segments([YES], [Cut("ads", 100, 7)]) == [YES]
    assert cut_segments([YES], [Cut("ads", 101, 7)]) == [YES]


def test_a_yes_recorded_after_a_cut_a_basis_and_a_no_are_not_touched() -> None:
    for segment in (
        YES._replace(entries=(7,)),
        YES._replace(entries=(9,)),
        YES._replace(reason="basis"),
        YES._replace(reason="withdrawn", permit=False),
    ):
        assert cut_segments([segment], [Cut("ads", 50, 7)]) == [segment]


@pytest.mark.parametrize("reason", ["given", "basis", "withdrawn", "lost"])
def test_a_purpose_that_became_another_ends_every_yes_and_no_denial(reason: str) -> None:
    permit = reason in ("given", "basis")
    (*_, last) = cut_segments([YES._replace(reason=reason, permit=permit)], [Cut("ads", 50, 7, bases=True)])
    assert (last.from_us, last.reason) == ((50, "notice_changed") if permit else (10, reason))


def test_the_first_of_several_cuts_is_the_one_that_counts() -> None:
    cuts = [Cut("ads", 60, 7), Cut("ads", 40, 8), Cut("ads", 40, 9)]
    assert told(cut_segments([YES], cuts))[1] == (40, 100, "notice_changed", (8, 3))


@pytest.mark.parametrize(
    ("reason", "ended"),
    [
        ("given", {39: 0, 40: 8, 49: 8, 50: 8, 60: 9}),
        ("basis", {40: 0, 49: 0, 50: 7, 60: 7}),
        ("withdrawn", {60: 0}),
    ],
)
def test_what_was_recorded_up_to_the_newest_change_by_then_is_ended(reason: str, ended: dict[int, int]) -> None:
    cuts = [Cut("ads", 50, 7, bases=True), Cut("ads", 40, 8), Cut("ads", 60, 9)]
    assert {at_us: ended_before(cuts, reason, at_us=at_us) for at_us in ended} == ended


def test_only_cuts_about_a_purpose_or_one_above_that_are_known_are_its_cuts() -> None:
    cuts = [Cut("ads.mail", 1, 9), Cut("ads", 1, 5), Cut("tests", 1, 6), Cut("*", 1, 7), Cut("ads.mail.news", 1, 8)]
    assert [cut.seq for cut in cuts_of(cuts, "ads.mail", size=100)] == [5, 7, 9]
    assert [cut.seq for cut in cuts_of(cuts, "ads.mail", size=9)] == [5, 7]
    assert [cut.seq for cut in cuts_of(cuts, "ads", size=100)] == [5, 7]


def test_a_rectangle_is_cut_from_the_knowledge_of_the_change_on_and_its_pieces_cover_it() -> None:
    whole = Rectangle(10, 100, 4, 20, permit=True, reason="given", entries=(3,))
    pieces = list(cut_rectangle(whole, [Cut("ads", 60, 7), Cut("ads", 40, 9)]))
    assert [(p.from_us, p.to_us, p.from_seq, p.to_seq, p.reason) for p in pieces] == [
        (10, 100, 4, 8, "given"),
        (10, 60, 8, 10, "given"),
        (60, 100, 8, 10, "notice_changed"),
        (10, 40, 10, 20, "given"),
        (40, 100, 10, 20, "notice_changed"),
    ]


@pytest.mark.parametrize(("seq", "knowledge"), [(2, [(4, 20)]), (4, [(4, 5), (5, 20)]), (18, [(4, 19), (19, 20)])])
def test_a_cut_known_before_a_rectangle_begins_makes_no_piece_of_its_own(seq: int, knowledge) -> None:
    whole = Rectangle(10, 100, 4, 20, permit=True, reason="given", entries=(1,))
    pieces = list(cut_rectangle(whole, [Cut("ads", 10, seq)]))
    assert sorted({(p.from_seq, p.to_seq) for p in pieces}) == knowledge
    assert pieces[-1].reason == "notice_changed"
    assert [p.reason for p in pieces[:-1]] == ["given"] * (len(knowledge) - 1), "nobody knew of it yet"
    assert list(cut_rectangle(whole, [Cut("ads", 10, 19)])) == [whole], "known when it has ended"


def test_what_a_notice_lists_are_its_cuts_and_a_list_that_is_none_is_no_notice() -> None:
    def entry(type_: str = "notice", **fields) -> SystemEntry:
        return SystemEntry(seq=5, type=type_, at_us=9, actor="a", fields=fields)

    assert cuts_in([entry(), entry(material=["ads", "tests"])]) == [Cut("ads", 9, 5), Cut("tests", 9, 5)]
    assert cuts_in([entry(material=["ads"], name="shown")]) == [Cut("ads", 9, 5, bases=False, notice="shown")]
    assert cuts_in([entry(material=["ads"], name=3)]) == [Cut("ads", 9, 5)]
    for name in ("shown", 3):
        changed = entry("policy", material=["ads"], name=name)
        assert cuts_in([changed]) == [Cut("ads", 9, 5, bases=True)], "a purpose, whatever is beside it"
    with pytest.raises(LedgerBroken, match="entry 5"):
        cuts_in([entry(material="ads")])


def test_a_box_without_others_is_what_they_do_not_cover() -> None:
    box = (0, 10, 0, 10)
    assert outside_of(box, [(20, 30, 0, 10), (0, 10, 10, 20)]) == [box]
    assert outside_of(box, [box]) == []
    pieces = outside_of(box, [(2, 4, 3, 5), (3, 12, 4, 12)])
    points = [(x, y) for a, b, c, d in pieces for x in range(a, b) for y in range(c, d)]
    assert len(points) == len(set(points)), "disjoint"
    inside = {(x, y) for x in range(10) for y in range(10) if (2 <= x < 4 and 3 <= y < 5) or (x >= 3 and y >= 4)}
    assert set(points) == {(x, y) for x in range(10) for y in range(10)} - inside


def test_rows_that_stand_back_behind_nearer_ones_and_rows_that_say_nothing_are_left_out(trial) -> None:
    with trial() as transaction, duckdb.connect():
        subject = transaction.subject_for(RawId("member", "1"))

        def say(type_: str, purpose: str, at: int, channel: str = "", **more) -> None:
            said = Statement(type=type_, purpose=purpose, channel=channel, at_us=at, **more)
            transaction.append_person(subject, said, {})

        say("withdraw", "ads", 5)
        say("grant", "ads.mail", 10, channel="mail")
        say("withdraw", "*", 20)
        say("lift", "*", 1, lifts="object")
        known = rectangles(transaction, "ads.mail", "mail").to_pylist()
        assert [row["reason"] for row in known if row["to_seq"] > transaction.size] == [
            "withdrawn",
            "given",
            "withdrawn",
        ]
        assert rectangles(transaction, "tests").to_pylist()[0]["reason"] == "withdrawn", "of everything"


def test_a_channel_that_a_changed_notice_closed_is_named_beside_a_yes_that_holds(trial) -> None:
    with trial() as transaction:
        subject = transaction.subject_for(RawId("member", "1"))

        def say(type_: str, channel: str, at: int) -> None:
            said = Statement(type=type_, purpose="ads", channel=channel, at_us=at)
            transaction.append_person(subject, said, {})

        say("grant", "", 1)
        say("withdraw", "sms", 2)
        assert denied_channels(transaction, subject, "ads", at_us=0) == {}
        assert denied_channels(transaction, subject, "ads", at_us=9) == {"sms": "channel_opt_out"}
        assert denied_channels(transaction, subject, "tests", at_us=9) == {}
        now_us, transaction.now_us = transaction.now_us, 5
        transaction.append_system("notice", {"name": "n", "material": ["ads"]})
        transaction.now_us = now_us
        assert denied_channels(transaction, subject, "ads", at_us=9) == {}, "nothing is permitted without a channel"
        assert denied_channels(transaction, subject, "ads", at_us=4) == {"sms": "channel_opt_out"}
