"""The fold, rule by rule. `test_forms_agree.py` asks it everything else."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from imp_consent.ledger.entry import Statement
from imp_consent.ledger.layout import FOREVER_SEQ, FOREVER_US, SEALED
from imp_consent.policy.project import TABLE, format_row, parse_row, refold
from imp_consent.policy.state import Rectangle, Scope, begin, replay, scopes, step, timeline
from imp_core.errors import LedgerBroken
from imp_core.event import RawId

EVERYWHERE = Scope("ads", "")
MAIL = Scope("ads", "mail")


@dataclass(frozen=True)
class Fact:
    seq: int
    statement: Statement


def said(*words: tuple[str, int] | tuple[str, int, str] | tuple[str, int, str, int]) -> list[Fact]:
    """Facts about "ads", numbered from 0: (type, time[, channel[, end of validity]])."""
    facts = []
    for seq, (type_, at, *rest) in enumerate(words):
        channel = str(rest[0]) if rest else ""
        until = int(rest[1]) if len(rest) > 1 else None
        purpose = "*" if type_ == "erase-requested" else "ads"
        facts.append(Fact(seq, Statement(type=type_, purpose=purpose, channel=channel, at_us=at, until_us=until)))
    return facts


def told(facts: list[Fact], scope: Scope = EVERYWHERE) -> list[tuple[int, str]]:
    """When what begins to hold."""
    return [(segment.from_us, segment.reason) for segment in timeline(facts, scope)]


def test_r01_nothing_said_is_no_segment_at_all() -> None:
    assert timeline([], EVERYWHERE) == ()
    assert replay([]) == {}


def test_r08_a_withdrawal_holds_from_its_time_on_and_r09_not_before() -> None:
    assert told(said(("grant", 10), ("withdraw", 20))) == [(10, "given"), (20, "withdrawn")]


def test_a_grant_after_a_withdrawal_opens_again() -> None:
    assert told(said(("grant", 10), ("withdraw", 20), ("grant", 30))) == [
        (10, "given"),
        (20, "withdrawn"),
        (30, "given"),
    ]


@pytest.mark.parametrize("order", [("grant", "withdraw"), ("withdraw", "grant")])
def test_a_tie_goes_to_the_restrictive_side_in_whatever_order_it_was_recorded(order: tuple[str, str]) -> None:
    assert told(said((order[0], 10), (order[1], 10))) == [(10, "withdrawn")]


def test_r14_a_consent_ends_with_its_validity_without_anybody_writing() -> None:
    assert told(said(("grant", 10, "", 15))) == [(10, "given"), (15, "expired")]
    assert told(said(("refuse", 10, "", 15))) == [(10, "refused"), (15, "expired")]


def test_a_withdrawal_never_expires() -> None:
    assert told(said(("grant", 5), ("withdraw", 10, "", 15))) == [(5, "given"), (10, "withdrawn")]


def test_a_channel_without_words_of_its_own_has_no_scope() -> None:
    assert scopes(said(("grant", 10))) == {EVERYWHERE}
    assert scopes(said(("grant", 10), ("grant", 11, "mail"))) == {EVERYWHERE, MAIL}


@pytest.mark.parametrize("type_", ["guardian", "lift", "correction", "link", "unlink", "request"])
def test_what_neither_permits_nor_denies_makes_no_scope(type_: str) -> None:
    assert scopes([Fact(0, Statement(type=type_, purpose="ads", channel="mail", at_us=1))]) == set()


def test_a_yes_for_one_channel_says_nothing_about_the_others() -> None:
    facts = said(("grant", 10, "mail"))
    assert told(facts, MAIL) == [(10, "given")]
    assert told(facts, EVERYWHERE) == []


def test_a_no_for_a_channel_stays_until_a_yes_for_that_channel() -> None:
    facts = said(("grant", 10), ("refuse", 20, "mail"), ("grant", 30))
    assert told(facts, MAIL) == [(10, "given"), (20, "channel_opt_out")]
    assert told([*facts, *said(*[("grant", 40, "mail")] * 4)[3:]], MAIL)[-1] == (40, "given")


def test_a_later_no_to_everything_ends_a_channels_yes_and_an_earlier_one_does_not() -> None:
    assert told(said(("grant", 10, "mail"), ("withdraw", 20)), MAIL) == [(10, "given"), (20, "withdrawn")]
    assert told(said(("withdraw", 5), ("grant", 10, "mail")), MAIL) == [(5, "withdrawn"), (10, "given")]
    assert told(said(("grant", 10, "mail"), ("withdraw", 10)), MAIL) == [(10, "withdrawn")]


def test_a_channels_yes_that_was_ended_does_not_come_back_when_a_later_yes_to_everything_expires() -> None:
    facts = said(("grant", 10, "mail"), ("withdraw", 20), ("grant", 30, "", 40))
    assert told(facts, MAIL) == [(10, "given"), (20, "withdrawn"), (30, "given"), (40, "withdrawn")]


def test_a_channels_yes_that_expired_gives_way_to_what_was_said_about_everything() -> None:
    assert told(said(("grant", 5), ("grant", 10, "mail", 20)), MAIL) == [(5, "given"), (10, "given"), (20, "given")]
    assert told(said(("refuse", 5), ("grant", 10, "mail", 20)), MAIL) == [
        (5, "refused"),
        (10, "given"),
        (20, "refused"),
    ]
    assert told(said(("grant", 10, "mail", 20)), MAIL) == [(10, "given"), (20, "expired")]


def test_a_channels_no_that_expired_opens_nothing() -> None:
    assert told(said(("grant", 5), ("refuse", 10, "mail", 20)), MAIL) == [
        (5, "given"),
        (10, "channel_opt_out"),
        (20, "expired"),
    ]


def test_of_two_denials_the_stricter_is_named() -> None:
    assert told(said(("refuse", 10, "mail"), ("withdraw", 20)), MAIL) == [(10, "channel_opt_out"), (20, "withdrawn")]
    assert told(said(("withdraw", 10, "mail"), ("refuse", 20)), MAIL) == [(10, "channel_opt_out")]


def test_r29_an_erasure_denies_all_scopes_for_all_time_and_for_good() -> None:
    facts = said(("grant", 10), ("grant", 10, "mail"), ("erase-requested", 50), ("grant", 60))
    for scope in (EVERYWHERE, MAIL):
        (only,) = timeline(facts, scope)
        assert only == (-FOREVER_US, FOREVER_US, False, "erased", (2,))
    made = replay(facts)[EVERYWHERE]
    assert [(r.reason, r.from_seq, r.to_seq) for r in made] == [("given", 1, 3), ("erased", 3, FOREVER_SEQ)]


def test_r05_a_yes_to_every_purpose_opens_none_and_a_no_to_every_purpose_closes_all() -> None:
    grant = Fact(0, Statement(type="grant", purpose="*", channel="", at_us=1))
    ads = Fact(1, Statement(type="grant", purpose="ads", channel="", at_us=2))
    stop = Fact(2, Statement(type="withdraw", purpose="*", channel="mail", at_us=3))
    assert scopes([grant]) == set()
    assert told([grant, ads]) == [(2, "given")]
    assert told([ads, stop], MAIL) == [(2, "given"), (3, "channel_opt_out")]
    assert told([ads, stop], EVERYWHERE) == [(2, "given")]


def test_an_entry_of_an_unknown_type_is_not_passed_over() -> None:
    fact = Fact(7, Statement(type="praise", purpose="ads", channel="", at_us=1))
    with pytest.raises(LedgerBroken, match="entry 7"):
        timeline([fact], EVERYWHERE)
    long = Fact(7, Statement(type="praise" * 9, purpose="ads", channel="", at_us=1))
    with pytest.raises(LedgerBroken, match="type 'praisepraisepraisepr', which"):
        timeline([long], EVERYWHERE)


def test_a_step_leaves_alone_what_stays_as_it_was() -> None:
    facts = said(("grant", 10), ("withdraw", 20), ("grant", 30))
    open_ = [Rectangle(s.from_us, s.to_us, 3, FOREVER_SEQ, *s[2:]) for s in timeline(facts, EVERYWHERE)]
    later = [*facts, Fact(9, Statement(type="withdraw", purpose="ads", channel="", at_us=40))]
    close, insert = step(open_, timeline(later, EVERYWHERE), 9)
    assert [(r.from_us, r.to_us, r.to_seq) for r in close] == [(30, FOREVER_US, 10)]
    assert [(r.from_us, r.to_us, r.from_seq, r.reason) for r in insert] == [
        (30, 40, 10, "given"),
        (40, FOREVER_US, 10, "withdrawn"),
    ]
    assert step(open_, timeline(facts, EVERYWHERE), 9) == ([], [])


def test_a_rectangle_goes_into_its_row_and_back() -> None:
    rectangle = Rectangle(-5, 7, 3, FOREVER_SEQ, permit=False, reason="refused", entries=(2, 11))
    row = format_row(42, MAIL, rectangle)
    assert dict(zip(SEALED[TABLE], row, strict=True)) == {
        "subject": 42,
        "purpose": "ads",
        "channel": "mail",
        "from_us": -5,
        "from_seq": 3,
        "to_us": 7,
        "to_seq": FOREVER_SEQ,
        "permit": 0,
        "reason": "refused",
        "entries": "[2,11]",
    }
    assert parse_row(row) == (42, MAIL, rectangle)


def lost(seq: int, at: int) -> Fact:
    return Fact(seq, Statement(type="lost", purpose="*", channel="", at_us=at))


def test_a_loss_voids_every_yes_before_it_at_whatever_event_time() -> None:
    facts = [*said(("grant", 10), ("withdraw", 20), ("grant", 30)), lost(3, 40)]
    assert told(facts) == [(10, "lost"), (20, "withdrawn"), (30, "lost")]
    assert timeline(facts, EVERYWHERE)[0].entries == (3,)


def test_after_a_loss_only_a_yes_of_a_later_event_time_opens_again() -> None:
    facts = [*said(("grant", 10)), lost(1, 40)]
    assert told([*facts, Fact(2, said(("grant", 20))[0].statement)]) == [(10, "lost")]
    assert told([*facts, Fact(2, said(("grant", 40))[0].statement)]) == [(10, "lost")]
    assert told([*facts, Fact(2, said(("grant", 41))[0].statement)]) == [(10, "lost"), (41, "given")]


def test_a_channels_no_stays_after_a_loss_until_a_yes_for_that_channel() -> None:
    facts = [*said(("grant", 10), ("refuse", 20, "mail")), lost(2, 40), Fact(3, said(("grant", 50))[0].statement)]
    assert told(facts) == [(10, "lost"), (50, "given")]
    assert told(facts, MAIL)[-1] == (20, "channel_opt_out")


def test_a_yes_that_a_loss_voided_does_not_come_back_with_its_own_later_event_time() -> None:
    # the clock stood wrong when it was recorded: its event time is after the loss
    assert told([*said(("grant", 100)), lost(1, 40)]) == [(40, "lost")]


def test_what_an_older_imp_folded_otherwise_is_folded_anew(trial) -> None:
    with trial() as transaction:
        subject, other = (transaction.subject_for(RawId("member", name)) for name in "ab")
        for who in (subject, other):
            grant = Statement(type="grant", purpose="ads", channel="", at_us=1)
            transaction.append_person(who, grant, {})
        transaction.append_person(subject, Statement(type="restrict", purpose="*", channel="", at_us=2), {})
        right = sorted(transaction.sealed.select(TABLE, "subject = ?", (subject,)))
        transaction.sealed.delete(TABLE, "subject = ? AND purpose = '*'", (subject,))
        transaction.sealed.update(TABLE, "subject = ?", (subject,), {"reason": "withdrawn"})
        transaction.subjects.flush()
        assert refold(transaction) == 1
        assert sorted(transaction.sealed.select(TABLE, "subject = ?", (subject,))) == right
        assert refold(transaction) == 0


@pytest.mark.parametrize("type_", ["grant", "refuse", "withdraw", "lost", "erase-requested"])
@pytest.mark.parametrize("purpose", ["p", "*"])
@pytest.mark.parametrize("channel", ["", "email"])
@pytest.mark.parametrize("until_us", [None, 3, 5, 6, 2**53 - 1])
def test_a_first_entry_alone_is_folded_as_any_other(
    type_: str, purpose: str, channel: str, until_us: int | None
) -> None:
    statement = Statement(type=type_, purpose=purpose, channel=channel, at_us=5, until_us=until_us)
    fact = Fact(7, statement)
    begun = begin(fact)
    if begun is None:
        assert purpose == "*" or type_ in {"lost", "erase-requested"}
    else:
        assert {begun[0]: begun[1]} == {scope: made for scope, made in replay([fact]).items() if made}
