"""What a decision says of itself to a lay person."""

from __future__ import annotations

import pytest

from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.policy.decide import PERMITTING, Reason, decision
from imp_consent.policy.explain import Asked, explain
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


def test_times_are_told_to_the_second_and_a_tie_by_the_number_of_the_entry() -> None:
    asked = Asked(purpose="ads", description="We show you ads.", channel="email", at_us=WHEN + 123456)
    told = explain(asked, decision(Reason.GIVEN, (7,)), [entry("grant", at_us=YES + 5, recorded_us=YES + 900)])
    assert told[0].endswith("at 2026-03-01T12:00:00Z?")
    assert told[2] == "At 2026-01-01T00:00:00Z the person said yes to ads (entry 7)."
