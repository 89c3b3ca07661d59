"""Where two readings of what was said are possible, the gate takes the closer one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from imp_consent.gate import decide_in, decide_many
from imp_consent.gate.frames import rectangles
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.cuts import Cut, cut_rectangle, cut_segments, cuts_in
from imp_consent.policy.state import Rectangle, Scope, Segment, timeline
from imp_core.event import RawId
from imp_core.gate import Action, Use
from imp_core.ports import SystemEntry

NOT_NECESSARY = ("legitimate-interest", "soft-opt-in", "opt-out-notice")
NECESSARY = ("contract", "legal-obligation", "vital-interest", "public-task")


@dataclass(frozen=True)
class Fact:
    seq: int
    statement: Statement


def said(seq: int, type_: str, at: int, purpose: str = "ads", until: int | None = None, **more: Any) -> Fact:
    more.setdefault("channel", "")
    return Fact(seq, Statement(type=type_, purpose=purpose, at_us=at, until_us=until, **more))


def told(*facts: Fact, at: int, purpose: str = "ads") -> str:
    """The reason at an event time."""
    return next(s.reason for s in timeline(facts, Scope(purpose, "")) if s.from_us <= at < s.to_us)


@pytest.mark.parametrize("type_", ["policy", "notice"])
@pytest.mark.parametrize("basis", [*NOT_NECESSARY, *NECESSARY])
def test_r15_a_basis_ends_where_the_purpose_itself_became_another_and_not_with_a_notice(
    trial: Any, type_: str, basis: str
) -> None:
    with trial() as transaction, duckdb.connect():
        subject = transaction.subject_for(RawId("member", "1"))
        grounds = Statement(type="basis", purpose="ads.net", channel="", at_us=1, basis=basis)
        transaction.append_person(subject, grounds, {})
        before = transaction.size
        now_us, transaction.now_us = transaction.now_us, 10
        changed = transaction.append_system(type_, {"material": ["ads"]})
        transaction.now_us = now_us
        after = "notice_changed" if type_ == "policy" else "basis"
        assert asked(transaction, subject, at=9) == "basis"
        assert asked(transaction, subject, at=10) == after
        assert asked(transaction, subject, at=10, known=before) == "basis", "as it was known then"
        rows = [row for row in rectangles(transaction, "ads.net").to_pylist() if row["to_seq"] > transaction.size]
        held = {row["reason"] for row in rows if row["from_us"] <= 10 < row["to_us"] and row["from_seq"] > changed}
        assert held == {after} or (type_ == "notice" and {row["reason"] for row in rows} == {"basis"})
        transaction.append_person(subject, grounds, {})
        assert asked(transaction, subject, at=10) == "basis", "recorded anew"


def asked(transaction: Transaction, subject: int, *, at: int, known: int | None = None) -> str:
    """The reason, the same in two forms of the gate."""
    use = Use(purpose="ads.net", action=Action.COLLECT, subject=subject, channel=None)
    decided = decide_in(transaction, use, at_us=at, known_at=known)
    many = decide_many(transaction, [subject], [at], purpose="ads.net", channel=None, now_us=at, size=known)
    assert many.reasons == [decided.reason]
    return decided.reason


def test_only_a_cut_by_the_policy_takes_a_basis_and_it_takes_it_in_both_forms() -> None:
    segment = Segment(10, 100, permit=True, reason="basis", entries=(3,))
    by_notice, by_policy = Cut("ads", 40, 7, notice="n"), Cut("ads", 60, 8, bases=True)
    assert cut_segments([segment], [by_notice]) == [segment]
    pieces = cut_segments([segment], [by_notice, by_policy])
    assert [(p.from_us, p.reason, p.entries) for p in pieces] == [(10, "basis", (3,)), (60, "notice_changed", (8, 3))]
    whole = Rectangle(10, 100, 4, 20, permit=True, reason="basis", entries=(3,))
    assert list(cut_rectangle(whole, [by_notice])) == [whole]
    assert [(p.from_us, p.from_seq, p.reason) for p in cut_rectangle(whole, [by_notice, by_policy])] == [
        (10, 4, "basis"),
        (10, 9, "basis"),
        (60, 9, "notice_changed"),
    ]


def test_what_a_cut_ends_follows_from_the_type_of_its_entry() -> None:
    def entry(type_: str, **fields: Any) -> SystemEntry:
        return SystemEntry(seq=5, type=type_, at_us=9, actor="a", fields={"material": ["ads"], **fields})

    found = cuts_in([entry("notice", name="n"), entry("policy", name="n"), entry("notice", name=7)])
    assert [(cut.bases, cut.notice) for cut in found] == [(False, "n"), (True, None), (False, None)]


@pytest.mark.parametrize("no", ["refuse", "withdraw"])
@pytest.mark.parametrize("basis", NOT_NECESSARY)
def test_r11_no_other_basis_outweighs_a_no_whichever_was_recorded_first(no: str, basis: str) -> None:
    closed = {"refuse": "refused", "withdraw": "withdrawn"}[no]
    assert told(said(0, no, 1), said(1, "basis", 2, basis=basis), at=5) == closed
    assert told(said(0, "basis", 5, basis=basis), said(1, no, 3), at=6) == closed, "a no that came late"
    assert told(said(0, "basis", 2, basis=basis, until=4), said(1, no, 1), at=6) == closed, "and it ran out"
    assert told(said(0, no, 1), said(1, "basis", 2, basis=basis), said(2, "grant", 3), at=5) == "given"


@pytest.mark.parametrize("basis", NECESSARY)
def test_r12_a_no_leaves_what_is_necessary_whichever_was_first(basis: str) -> None:
    assert told(said(0, "withdraw", 3), said(1, "basis", 2, basis=basis), at=5) == "basis"
    assert told(said(0, "refuse", 1), said(1, "basis", 2, basis=basis), at=5) == "basis"


def test_r17_a_guardians_yes_opens_nothing_that_only_the_persons_own_can() -> None:
    own = said(0, "minor", 1, "*", 100, needs="own", traits=("sale",))
    guardian = said(1, "guardian", 2, "*")
    theirs = said(2, "grant", 3, traits=("sale",), by="guardian")
    assert [told(own, guardian, theirs, at=at) for at in (5, 100)] == ["no_record"] * 2
    assert told(own, guardian, said(2, "grant", 3, traits=("sale",)), at=5) == "given", "the person's own"
    assert told(own, guardian, said(2, "grant", 3), at=5) == "given", "it sells nothing"


def test_r17_below_the_age_of_an_own_yes_the_guardians_counts_until_that_age() -> None:
    own = said(0, "minor", 1, "*", 100, needs="own", traits=("sale",))
    child = said(1, "minor", 1, "*", 50, needs="guardian", traits=("sale",))
    guardian, theirs = said(2, "guardian", 2, "*"), said(3, "grant", 3, traits=("sale",), by="guardian")
    assert [told(own, child, guardian, theirs, at=at) for at in (49, 50)] == ["given", "under_age"]
    assert told(own, child, theirs, at=49) == "under_age", "no authorisation"
    other = said(1, "minor", 1, "*", 50, needs="guardian", traits=("profiling",))
    assert told(own, other, guardian, theirs, at=49) == "no_record", "a guardian is needed for something else"
    general = said(1, "minor", 1, "*", 50, needs="guardian")
    assert told(own, general, guardian, theirs, at=49) == "under_age", "by another law, of which hers is no matter"
    assert told(own, child, other, general, guardian, theirs, at=49) == "given"


def test_a_loss_voids_a_guardians_authorisation_that_was_recorded_before_it() -> None:
    minor, lost = said(0, "minor", 1, "*", needs="guardian"), said(3, "lost", 5, "*")
    assert told(minor, said(1, "guardian", 2, "*"), lost, said(4, "grant", 6), at=7) == "under_age"
    assert told(minor, lost, said(4, "guardian", 5, "*"), said(5, "grant", 6), at=7) == "under_age"
    assert told(minor, lost, said(4, "guardian", 6, "*"), said(5, "grant", 6), at=7) == "given"


def test_of_several_losses_the_newest_and_the_one_of_the_latest_time_both_void_a_yes() -> None:
    for losses in (
        (said(3, "lost", 9, "*"), said(5, "lost", 4, "*")),
        (said(3, "lost", 4, "*"), said(5, "lost", 9, "*")),
    ):
        assert told(*losses, said(4, "grant", 20), at=21) == "lost", "it was recorded before one of them"
        assert told(*losses, said(6, "grant", 6), at=21) == "lost", "it is of a time before one of them"
        assert told(*losses, said(6, "grant", 10), at=21) == "given"


@pytest.mark.parametrize(
    ("type_", "reason", "fields"),
    [("restrict", "restricted", {}), ("limit-sensitive", "limited", {}), ("object", "objected", {})],
)
def test_a_loss_voids_a_lift_that_was_recorded_before_it(type_: str, reason: str, fields: dict[str, Any]) -> None:
    no, lost = said(0, type_, 1, "*", **fields), said(3, "lost", 5, "*")
    yes = said(6, "basis", 6, basis="legitimate-interest") if type_ == "object" else said(6, "grant", 6)
    assert told(no, said(1, "lift", 2, "*", lifts=type_), lost, yes, at=7) == reason
    assert told(no, lost, said(4, "lift", 5, "*", lifts=type_), yes, at=7) == reason, "as old as what was lost"
    assert told(no, lost, said(4, "lift", 6, "*", lifts=type_), yes, at=7) in {"given", "basis"}


def test_of_two_ages_recorded_for_one_time_the_one_that_lasts_longer_counts() -> None:
    long, short = said(0, "minor", 1, "*", 100, needs="guardian"), said(1, "minor", 1, "*", 5, needs="guardian")
    endless = said(2, "minor", 1, "*", needs="guardian")
    yes = said(4, "grant", 3)
    assert told(long, short, yes, at=9) == "under_age"
    assert told(said(0, "minor", 1, "*", 5, needs="guardian"), said(1, "minor", 1, "*", 100, needs="guardian"), yes,
                at=9) == "under_age"  # fmt: skip
    assert told(endless, said(3, "minor", 1, "*", 5, needs="guardian"), yes, at=9) == "under_age", "no end is the last"
    assert told(short, endless, yes, at=200) == "under_age"
    again = timeline((endless, said(3, "minor", 1, "*", needs="guardian"), yes), Scope("ads", ""))
    assert again[-1].entries == (3,), "of two that last as long the newer is named"
    alike = said(3, "minor", 1, "*", 100, needs="guardian")
    (*_, last) = timeline((long, alike, yes), Scope("ads", ""))
    assert (last.reason, last.entries) == ("under_age", (3,))
    shorter = said(1, "minor", 2, "*", 5, needs="guardian")
    assert told(long, shorter, yes, at=9) == "under_age", "a later one takes no protection away"
    corrected = said(5, "correction", 9, "*", corrects=0)
    assert told(long, shorter, corrected, said(6, "grant", 9), at=9) == "given", "but where it was wrong"


def test_an_age_recorded_for_one_purpose_does_not_shorten_that_of_another() -> None:
    above = said(0, "minor", 1, "ads", 100, needs="guardian")
    below = said(1, "minor", 2, "ads.mail", 5, needs="guardian")
    assert told(above, below, said(2, "grant", 3, "ads.mail"), at=9, purpose="ads.mail") == "under_age"
    everything = said(0, "minor", 1, "*", 100, needs="own")
    later = said(1, "minor", 2, "ads", 5, needs="own")
    assert told(everything, later, said(2, "basis", 3, basis="opt-out-notice"), at=9) == "under_age"


def test_a_yes_ripens_only_where_a_guardian_stands_by_it_to_the_last_moment_of_the_age() -> None:
    minor, yes = said(0, "minor", 1, "*", 100, needs="guardian"), said(2, "grant", 3)
    for until, reason in ((99, "under_age"), (100, "given"), (None, "given")):
        assert told(minor, said(1, "guardian", 2, "*", until), yes, at=100) == reason, until


def test_a_guardians_explicit_yes_outweighs_a_limit_and_no_objection_to_direct_marketing() -> None:
    child = said(0, "minor", 1, "*", needs="guardian"), said(1, "guardian", 2, "*")
    theirs = said(3, "grant", 4, by="guardian", consent="explicit", traits=("direct-marketing",))
    for no, reason in ((said(2, "object", 3, traits=("direct-marketing",)), "objected"),
                       (said(2, "limit-sensitive", 3, traits=("direct-marketing",)), "given")):  # fmt: skip
        assert told(*child, no, theirs, at=5) == reason


def test_where_both_agree_each_is_named_once_and_the_childs_own_beside_a_guardians_yes() -> None:
    guardian, own, theirs = said(1, "guardian", 2, "*"), said(2, "grant", 3), said(3, "grant", 4, by="guardian")
    for needs, yeses, entries in (
        ("both", (own,), (2, 1)),
        ("both", (own, theirs), (3, 2, 1)),
        ("guardian", (own, theirs), (3, 1)),
    ):
        young = said(0, "minor", 1, "*", needs=needs), said(9, "minor", 1, "*", needs="guardian")
        for minors in (young, young[:1]):
            (*_, last) = timeline((*minors, guardian, *yeses), Scope("ads", ""))
            assert (last.reason, last.entries) == ("given", entries), (minors, yeses)


def test_a_guardian_is_named_beside_a_yes_only_where_the_yes_needed_one() -> None:
    yes, guardian = said(2, "grant", 3, traits=("analytics",)), said(1, "guardian", 2, "*")
    for minor, entries in (
        (said(0, "minor", 1, "*", needs="guardian"), (2, 1)),
        (said(0, "minor", 1, "*", needs="guardian", traits=("sale",)), (2,)),
        (said(0, "minor", 1, "*", 3, needs="guardian"), (2,)),
        (said(0, "object", 1, "*"), (2,)),
    ):
        (*_, last) = timeline((minor, guardian, yes), Scope("ads", ""))
        assert (last.reason, last.entries) == ("given", entries)


def test_r17_a_guardians_yes_counts_for_whoever_needs_a_yes_of_their_own_only_while_a_guardian_is_needed_too() -> None:
    own, guardian = said(0, "minor", 1, "*", needs="own"), said(2, "guardian", 2, "*")
    yes = said(3, "grant", 3, by="guardian", traits=("analytics",))
    assert told(own, guardian, yes, at=9) == "no_record"
    assert told(own, guardian, said(3, "grant", 3), at=9) == "given"
    younger = said(1, "minor", 1, "*", 12, needs="guardian")
    assert [told(own, younger, guardian, yes, at=at) for at in (9, 11, 12)] == ["given", "given", "under_age"]
    elsewhere = said(1, "minor", 1, "*", needs="guardian", traits=("sale",))
    assert told(own, elsewhere, guardian, yes, at=9) == "no_record"
    here = said(1, "minor", 1, "*", needs="guardian", traits=("analytics",))
    assert told(own, here, guardian, yes, at=9) == "under_age"
    assert told(own, here, guardian, said(3, "basis", 3, basis="soft-opt-in"), at=9) == "under_age"
    assert told(own, said(3, "basis", 3, basis="contract"), at=9) == "basis"


def test_a_no_answers_for_yeses_that_ran_out_only_if_it_closes_every_one_of_them() -> None:
    consent, withdrawn = said(0, "grant", 1, until=2), said(2, "withdraw", 5)
    assert told(consent, said(1, "basis", 1, until=3, basis="contract"), withdrawn, at=9) == "expired", "nor that one"
    assert told(consent, said(1, "basis", 1, until=3, basis="soft-opt-in"), withdrawn, at=9) == "withdrawn"


def test_of_a_minor_of_whom_nothing_else_is_known_only_the_need_of_a_guardian_answers_and_while_it_lasts() -> None:
    assert told(said(0, "minor", 1, needs="guardian"), at=9) == "under_age"
    assert told(said(0, "minor", 1, needs="guardian"), said(1, "guardian", 2), at=9) == "no_record"
    assert told(said(0, "minor", 1, needs="own"), at=9) == "no_record"
    short = said(0, "minor", 1, until=5, needs="guardian")
    assert [told(short, at=at) for at in (4, 5)] == ["under_age", "no_record"]
