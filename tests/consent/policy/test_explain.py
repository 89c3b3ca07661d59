"""What a decision says of itself to a lay person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.policy.bounced import BOUNCE_CHANGES, BOUNCE_WHY
from imp_consent.policy.decide import PERMITTING, Reason, decision
from imp_consent.policy.explain import Asked, basis_words, explain, what_changes
from imp_consent.policy.scope import DENYING, PERMITTING_TYPES
from imp_core.clock import parse_time
from imp_core.ports import SystemEntry

WHEN = parse_time("2026-03-01T12:00:00Z")
YES = parse_time("2026-01-01T00:00:00Z")
END = parse_time("2026-06-01T00:00:00Z")
ASKED = Asked(purpose="ads", description="We show you ads.", channel="email", at_us=WHEN)


def entry(type_: str, seq: int = 7, recorded_us: int | None = None, **more) -> PersonEntry:
    said = Statement(**({"type": type_, "purpose": "ads", "channel": "", "at_us": YES} | more))
    return PersonEntry(seq=seq, subject=1, statement=said, payload={"recorded_us": recorded_us})


def test_a_yes_is_told_with_its_time_its_entry_the_law_and_what_ends_it() -> None:
    yes = entry("grant", recorded_us=WHEN, until_us=END)
    assert explain(ASKED, decision(Reason.GIVEN, (7,)), [yes]) == [
        'Asked: may this person\'s data be used for ads ("We show you ads.") on the channel email, '
        "at 2026-03-01T12:00:00Z?",
        "Answer: yes (given).",
        "At 2026-01-01T00:00:00Z the person said yes to ads, until 2026-06-01T00:00:00Z "
        "(entry 7, recorded at 2026-03-01T12:00:00Z).",
        "A yes that still stands permits the use it names. (The law: GDPR 6(1)(a).)",
        "It ends with a withdrawal, an objection, a restriction or an opt-out signal, "
        "or at 2026-06-01T00:00:00Z by itself.",
    ]


def test_a_basis_is_named_in_words_and_an_everlasting_one_ends_with_a_no() -> None:
    told = explain(ASKED, decision(Reason.BASIS, (7,)), [entry("basis", basis="contract")])
    assert "a legal basis other than consent was recorded for ads: a contract with the person (entry 7)." in told[2]
    assert told[-1].endswith("as far as this basis gives way to them.")


@pytest.mark.parametrize(
    ("basis", "words"),
    [("contract", "a contract with the person"), ("foreseen-law", "foreseen-law"), (None, "another legal basis")],
)
def test_a_basis_that_no_words_are_known_for_is_called_by_its_name(basis: str | None, words: str) -> None:
    assert basis_words(basis) == words


def test_messages_that_came_back_are_told_as_such_where_they_decide_and_not_beside_what_does() -> None:
    came_back = replace(entry("signal", seq=8, channel="email"), payload={"signal": "bounce"})
    told = explain(ASKED, decision(Reason.SIGNAL, (8,)), [entry("grant"), came_back])
    assert told[-2:] == [BOUNCE_WHY, BOUNCE_CHANGES]
    told = explain(ASKED, decision(Reason.REFUSED, (7,)), [entry("refuse"), came_back])
    assert (told[-1], BOUNCE_WHY in told) == ("A later yes of the person would change it.", False)


def test_a_question_without_a_channel_as_known_before_says_both() -> None:
    asked = Asked(purpose="ads", description="We show you ads.", channel=None, at_us=WHEN, known_us=YES)
    told = explain(asked, decision(Reason.NO_RECORD), [])
    assert told[0].endswith(
        "where no channel, such as email, is named, at 2026-03-01T12:00:00Z, "
        "as the ledger stood at 2026-01-01T00:00:00Z?"
    )
    assert told[1:] == [
        "Answer: no (no_record).",
        "Nothing that the person said covers this use, and without a record the answer is no. "
        "(The law: GDPR 6(1), 7(1), 25(2); ePrivacy 5(3).)",
        "A yes for this purpose would change it.",
    ]


def test_a_no_on_a_channel_about_everything_says_where_and_what_about() -> None:
    no = entry("withdraw", purpose="*", channel="sms", at_us=WHEN, recorded_us=WHEN)
    told = explain(ASKED, decision(Reason.CHANNEL_OPT_OUT, (7,)), [no])
    assert told[2] == ("At 2026-03-01T12:00:00Z the person asked to stop every use on the channel sms (entry 7).")


def test_a_changed_notice_is_told_before_the_yes_it_ended() -> None:
    changed = SystemEntry(seq=9, type="notice", at_us=WHEN, actor="tester", fields={})
    told = explain(ASKED, decision(Reason.NOTICE_CHANGED, (9, 7)), [entry("grant", until_us=END)], changed)
    assert told[2] == "At 2026-03-01T12:00:00Z the notice was changed in substance (entry 9)."
    assert told[3].startswith("At 2026-01-01T00:00:00Z the person said yes")
    assert told[-1] == "A yes under the new notice would change it."


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_explained_in_whole_sentences(reason: Reason) -> None:
    told = explain(ASKED, decision(reason), [])
    assert all(sentence.endswith((".", "?", ".)")) for sentence in told)
    assert told[1] == f"Answer: {'yes' if reason in PERMITTING else 'no'} ({reason})."
    assert len(told) == 4


@pytest.mark.parametrize("type_", sorted((DENYING | PERMITTING_TYPES | {"guardian"}) - {"signal"}))
def test_every_type_of_entry_that_decides_has_words_of_its_own(type_: str) -> None:
    told = explain(ASKED, decision(Reason.REFUSED, (7,)), [entry(type_)])
    assert "something was recorded" not in told[2]


@pytest.mark.parametrize(
    ("no", "words"),
    [
        (entry("object"), "the person objected to ads, as far as it rests on interests rather than on consent"),
        (entry("object", purpose="*", traits=("direct-marketing",)), "the person objected to direct marketing"),
        (entry("restrict", purpose="*"), "the person asked that their data be kept, but not used for anything"),
        (entry("restrict"), "the person asked that their data be kept, but not used for ads"),
        (entry("limit-sensitive", purpose="*"), "the person asked to limit the use of sensitive data"),
        (entry("limit-sensitive", purpose="*", traits=("sensitive",)), "asked to limit the use of sensitive data"),
        (entry("signal", purpose="*", traits=("sale",)), "sent an opt-out signal against the sale of data"),
        (entry("erase-requested", purpose="*"), "the person's erasure was asked for"),
    ],
)
def test_a_no_is_told_as_people_speak(no: PersonEntry, words: str) -> None:
    assert f"{words} (entry 7)." in explain(ASKED, decision(Reason.REFUSED, (7,)), [no])[2]


def test_a_bundled_yes_is_told_to_open_nothing_with_the_law_that_says_so_where_one_does() -> None:
    bundled, other = entry("grant", bundled=True), entry("grant", seq=8, bundled=True)
    told = explain(ASKED, decision(Reason.NO_RECORD), [bundled, other], void={7: "GDPR 7(2)", 8: ""})
    assert [line for line in told if line.startswith("That yes opens nothing")] == [
        "That yes opens nothing: it is on record as bundled, one act for several purposes without a choice for each. "
        "(The law: GDPR 7(2).)",
        "That yes opens nothing: it is on record as bundled, one act for several purposes without a choice for each.",
    ]
    assert told[-2].startswith("Nothing else that the person said covers this use")
    assert told[-1] == "A yes for this purpose by a choice of its own would change it."


def test_a_bundled_yes_beside_a_no_leaves_the_words_of_the_no() -> None:
    told = explain(ASKED, decision(Reason.REFUSED, (8,)), [entry("grant"), entry("refuse", seq=8)], void={7: ""})
    assert told[3].startswith("That yes opens nothing")
    assert told[4].endswith("the person said no to ads (entry 8).")
    assert told[-2].startswith("A no stands until the person says yes.")
    assert told[-1] == what_changes(Reason.REFUSED) == "A later yes of the person would change it."


def test_who_is_too_young_is_told_what_that_age_asks_for_and_what_was_found_to_open_it() -> None:
    young = entry("minor", needs="own")
    told = explain(ASKED, decision(Reason.UNDER_AGE, (7,)), [young])
    assert told[-2] == (
        "At this age only a yes of the child's own counts. (The law: GDPR 8; PIPL 31; CCPA §1798.120(c).)"
    )
    assert told[-1] == what_changes(Reason.UNDER_AGE)
    tried = replace(ASKED, opens="A yes of the child's own would change it.")
    assert explain(tried, decision(Reason.UNDER_AGE, (7,)), [young])[-1] == "A yes of the child's own would change it."
    assert explain(ASKED, decision(Reason.REFUSED, (7,)), [young])[-2].startswith("A no stands")
    assert explain(ASKED, decision(Reason.UNDER_AGE), [])[-2].startswith("At this age the yes of a parent or guardian,")


def test_a_yes_that_would_not_do_under_a_law_that_is_asked_about_is_answered_no_under_it() -> None:
    told = explain(replace(ASKED, short_under="cn-pipl"), decision(Reason.GIVEN, (7,)), [entry("grant")])
    assert told[1] == "Answer: no under cn-pipl; under the law that was recorded the gate says yes (given)."


def test_of_several_words_that_end_the_earliest_end_is_told_and_of_a_no_none() -> None:
    both = [entry("grant", until_us=END), entry("guardian", seq=8, until_us=END - 5 * 10**6), entry("grant", seq=9)]
    told = explain(ASKED, decision(Reason.GIVEN, (7, 8)), both)
    assert told[-1].endswith(", or at 2026-05-31T23:59:55Z by itself.")
    assert explain(ASKED, decision(Reason.REFUSED, (7,)), [entry("refuse", until_us=END)])[-1] == (
        "A later yes of the person would change it."
    )


def test_a_basis_or_an_entry_without_words_of_its_own_is_told_as_it_was_recorded() -> None:
    (told,) = explain(ASKED, decision(Reason.BASIS, (7,)), [entry("basis", basis="custom")])[2:3]
    assert told.endswith("a legal basis other than consent was recorded for ads: custom (entry 7).")
    (told,) = explain(ASKED, decision(Reason.REFUSED, (7,)), [entry("signal", purpose="ads", traits=("sale",))])[2:3]
    assert "opt-out signal against the sale of data, within ads" in told
    (told,) = explain(ASKED, decision(Reason.REFUSED, (7,)), [entry("limit-sensitive")])[2:3]
    assert told.endswith("the person asked to limit the use of sensitive data for ads (entry 7).")


def test_times_are_told_to_the_second_and_a_tie_by_the_number_of_the_entry() -> None:
    asked = Asked(purpose="ads", description="We show you ads.", channel="email", at_us=WHEN + 123456)
    told = explain(asked, decision(Reason.GIVEN, (7,)), [entry("grant", at_us=YES + 5, recorded_us=YES + 900)])
    assert told[0].endswith("at 2026-03-01T12:00:00Z?")
    assert told[2] == "At 2026-01-01T00:00:00Z the person said yes to ads (entry 7)."
