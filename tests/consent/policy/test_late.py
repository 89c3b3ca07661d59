"""Which uses a late denial flags: held against the plain question, asked of the fold for every use and event time."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from imp_consent.ledger.entry import Statement
from imp_consent.ledger.layout import FOREVER_SEQ, FOREVER_US
from imp_consent.policy.late import Flag, Made, Uses, flags
from imp_consent.policy.state import Rectangle, Scope, replay


@dataclass(frozen=True)
class Fact:
    seq: int
    statement: Statement


def fact(seq, type_, at_us, channel="", until_us=None):
    return Fact(seq, Statement(type=type_, purpose="news", channel=channel, at_us=at_us, until_us=until_us))


def flagged(facts, uses, channel=""):
    made = replay(facts)
    own = made.get(Scope("news", channel), []) if channel else []
    return sorted(flags(own, made.get(Scope("news", ""), []), Uses(uses)))


def test_r59_a_withdrawal_recorded_after_a_use_of_later_data_flags_it():
    said = [fact(0, "grant", 10), fact(5, "withdraw", 20)]
    early, late = Made(3, 3, -FOREVER_US, 20), Made(4, 4, -FOREVER_US, 21)
    assert flagged(said, [early, late]) == [Flag(4, "withdrawn", 5)]


def test_r59_a_withdrawal_recorded_in_time_flags_nothing():
    said = [fact(0, "grant", 10), fact(3, "withdraw", 20)]
    assert flagged(said, [Made(2, 2, -FOREVER_US, 20), Made(4, 4, -FOREVER_US, 90)]) == []


def test_r59_a_late_grant_legitimises_and_flags_nothing():
    said = [fact(5, "grant", 10)]
    assert flagged(said, [Made(3, 3, -FOREVER_US, 90)]) == []


def test_a_late_refusal_of_one_channel_flags_the_uses_of_that_channel_alone():
    said = [fact(0, "grant", 10), fact(5, "refuse", 20, channel="mail")]
    use = [Made(3, 3, -FOREVER_US, 90)]
    assert flagged(said, use, channel="mail") == [Flag(3, "channel_opt_out", 5)]
    assert flagged(said, use) == []


def test_a_send_at_a_time_that_a_later_grant_covers_again_is_not_flagged():
    said = [fact(0, "grant", 10), fact(5, "withdraw", 20), fact(6, "grant", 30)]
    assert flagged(said, [Made(3, 3, 40, 41)]) == []
    assert flagged(said, [Made(3, 3, -FOREVER_US, 41)]) == [Flag(3, "withdrawn", 5)]


def test_a_permission_that_no_rectangle_covers_any_more_is_flagged_without_an_entry():
    then = Rectangle(0, 50, 1, 6, permit=True, reason="given", entries=(0,))
    now = Rectangle(0, 10, 6, FOREVER_SEQ, permit=True, reason="given", entries=(0,))
    assert list(flags([], [then, now], Uses([Made(3, 3, 0, 90)]))) == [Flag(3, "no_record", -1)]


def test_what_was_permitted_before_the_first_rectangle_that_is_left_is_flagged_too():
    then = Rectangle(0, 50, 1, 6, permit=True, reason="given", entries=(0,))
    now = Rectangle(40, 60, 6, FOREVER_SEQ, permit=True, reason="given", entries=(0,))
    assert list(flags([], [then, now], Uses([Made(3, 3, 0, 30)]))) == [Flag(3, "no_record", -1)]
    assert list(flags([], [then, now], Uses([Made(3, 3, 45, 50)]))) == []


def test_what_is_learned_of_the_time_around_a_permission_that_stands_flags_nothing():
    """Not even of a use that read across both of its ends."""
    permitted = Rectangle(10, 20, 1, FOREVER_SEQ, permit=True, reason="given", entries=(0,))
    before = Rectangle(0, 10, 6, FOREVER_SEQ, permit=False, reason="refused", entries=(5,))
    after = Rectangle(20, 30, 6, FOREVER_SEQ, permit=False, reason="withdrawn", entries=(5,))
    use = Made(3, 3, 0, 40)
    for learned in ([before], [after], [before, after]):
        assert list(flags([], [permitted, *learned], Uses([use]))) == []
    gone = permitted._replace(to_seq=6)
    assert list(flags([], [gone, before, after], Uses([use]))) == [Flag(3, "no_record", -1)]


def test_a_use_that_knew_more_and_read_less_is_passed_over_and_the_one_before_it_is_not():
    said = [fact(0, "grant", 10), fact(9, "withdraw", 20)]
    assert flagged(said, [Made(3, 3, -FOREVER_US, 90), Made(4, 4, -FOREVER_US, 15)]) == [Flag(3, "withdrawn", 9)]


def test_a_use_between_two_withdrawals_is_flagged_only_for_the_one_it_reaches():
    said = [fact(0, "grant", 10), fact(5, "withdraw", 20), fact(6, "grant", 30), fact(7, "withdraw", 40)]
    assert flagged(said, [Made(3, 3, 30, 40)]) == [], "from where it opened again up to where it closed again"
    assert flagged(said, [Made(3, 3, 30, 41)]) == [Flag(3, "withdrawn", 7)]
    assert flagged(said, [Made(3, 3, 15, 25)]) == [Flag(3, "withdrawn", 5)]


def permitted(own, general, known, at_us):
    mine = own if any(r.from_seq <= known for r in own) else general
    return any(r.permit for r in mine if r.from_seq <= known < r.to_seq and r.from_us <= at_us < r.to_us)


TYPES = st.sampled_from(["grant", "refuse", "withdraw"])
SAID = st.lists(st.tuples(TYPES, st.integers(0, 12), st.sampled_from(["", "mail"])), min_size=1, max_size=6)
MADE = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 12), st.integers(1, 12)), max_size=5)


@given(said=SAID, made=MADE, channel=st.sampled_from(["", "mail"]))
def test_a_use_is_flagged_iff_an_event_time_it_read_was_open_then_and_is_closed_now(said, made, channel):
    facts = [fact(2 * seq, type_, at_us, where) for seq, (type_, at_us, where) in enumerate(said)]
    uses = [Made(seq, 2 * known, low, low + n) for seq, (known, low, n) in enumerate(made)]
    made_of = replay(facts)
    own, general = made_of.get(Scope("news", channel), []) if channel else [], made_of.get(Scope("news", ""), [])
    size = 2 * len(said)
    expected = {
        use.seq
        for use in uses
        if any(
            permitted(own, general, use.known, at_us) and not permitted(own, general, size, at_us)
            for at_us in range(use.from_us, use.to_us)
        )
    }
    assert {flag.use for flag in flags(own, general, Uses(uses))} == expected
