"""A withdrawal's answer says what is under way: messages of open chunks, which may still arrive."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from imp_consent.identity.pseudonym import message_key
from imp_consent.identity.unsubscribe import seal_token
from imp_consent.ledger.delivery import Outcome, conclude, intend
from imp_consent.ledger.in_flight import messages_in_flight
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.event import RawId

Cli = Any
ANN, BOB = "member:ann", "member:bob"
MAIL = "marketing.email"


@pytest.fixture
def subject(shop: Context) -> Callable[[str], int]:
    """The subject of an identifier."""

    def find(word: str) -> int:
        with open_log(shop).read() as reader:
            found = reader.find_subject(RawId.parse(word))
        assert found is not None
        return found

    return find


@pytest.fixture
def sending(shop: Context, imp_here: Cli, subject: Callable[[str], int]) -> Callable[..., Callable[[], None]]:
    """Opens a chunk of a campaign to these people, as a send does; what it returns closes it."""
    for word in (ANN, BOB):
        imp_here("consent", "record", word, "--purpose", MAIL, "--state", "given").ok()

    def start(*words: str, campaign: str = "spring", step: str = "1") -> Callable[[], None]:
        log = open_log(shop)
        secret, document = log.keyring.active("idem").secret, b"{}"
        keys = [
            message_key(secret, campaign=campaign, channel="email", step=step, subject=subject(word)) for word in words
        ]
        fields = {"campaign": campaign, "channel": "email", "step": step, "purpose": MAIL}
        with log.write() as transaction:
            known = {"definition": hashlib.sha256(document).hexdigest(), "known": transaction.size}
            intent = intend(transaction, keys, {**fields, **known}, document=document)

        def end() -> None:
            results = dict.fromkeys(keys, Outcome("accepted"))
            with log.write() as transaction:
                conclude(transaction, intent, results, channel="email", recovered=False)

        return end

    return start


def test_a_withdrawal_says_how_many_messages_may_still_arrive(imp_here: Cli, sending: Callable[..., Any]) -> None:
    end = sending(ANN, BOB)
    sending(ANN, step="2")
    words = ("consent", "record", ANN, "--purpose", MAIL, "--state", "withdrawn")
    assert imp_here(*words).ok().out.endswith("\n2 messages to them are under way and may still arrive\n")
    end()
    assert imp_here(*words, "--json").ok().json["in_flight"] == 1


@pytest.mark.parametrize(("state", "found"), [("given", None), ("refused", 1), ("withdrawn", 1)])
def test_whoever_says_no_is_told_and_whoever_consents_is_not(
    imp_here: Cli, sending: Callable[..., Any], state: str, found: int | None
) -> None:
    sending(ANN)
    words = ("consent", "record", ANN, "--purpose", MAIL, "--state", state)
    assert imp_here(*words, "--json").ok().json["in_flight"] == found


def test_of_what_nobody_is_being_sent_nothing_is_said(imp_here: Cli, sending: Callable[..., Any]) -> None:
    sending(BOB)
    words = ("consent", "record", ANN, "--purpose", MAIL, "--state", "withdrawn")
    assert "under way" not in imp_here(*words).ok().out
    assert imp_here(*words, "--json").ok().json["in_flight"] == 0


def test_a_clicked_link_is_answered_with_what_is_under_way(
    shop: Context, imp_here: Cli, sending: Callable[..., Any], subject: Callable[[str], int]
) -> None:
    end = sending(ANN, BOB)
    key = open_log(shop).keyring.active("channel")
    tokens = "\n".join(
        seal_token(key, subject=subject(word), purpose=MAIL, channel="email", issued_us=shop.clock.now_us())
        for word in (ANN, BOB, ANN)
    )
    first = imp_here("consent", "unsubscribe", "-", input=tokens).ok()
    assert first.out.endswith("\n2 messages to them are under way and may still arrive\n")
    again = imp_here("consent", "unsubscribe", "-", "--json", input=tokens).ok().json
    assert (again["withdrawn"], again["already"], again["in_flight"]) == (0, 3, 2)
    end()
    assert imp_here("consent", "unsubscribe", "-", "--json", input=tokens).ok().json["in_flight"] == 0


def test_an_erasure_says_what_was_under_way_when_it_was_asked_for(imp_here: Cli, sending: Callable[..., Any]) -> None:
    sending(ANN, BOB)
    erased = imp_here("consent", "erase", ANN, "--execute", "--json").ok().json
    assert (erased["people"], erased["in_flight"]) == (1, 1)
    assert "1 message to them is under way and may still arrive" in imp_here("consent", "erase", BOB, "--execute").out
    assert imp_here("consent", "erase", "--resume", "--json").ok().json["in_flight"] == 0


def test_another_campaign_s_message_is_not_theirs(shop: Context, sending: Callable[..., Any]) -> None:
    sending(BOB)
    with open_log(shop).read() as reader:
        ann, bob = (reader.find_subject(RawId.parse(word)) for word in (ANN, BOB))
        assert ann is not None
        assert bob is not None
        assert [messages_in_flight(reader, people) for people in ([ann], [bob], [ann, bob], [])] == [0, 1, 1, 0]


def test_the_doctor_names_the_sends_whose_chunks_are_open_and_the_command_that_closes_them(
    imp_here: Cli, sending: Callable[..., Any]
) -> None:
    ends = [sending(ANN), sending(BOB), sending(ANN, campaign="autumn", step="2"), sending(BOB, step="3")]
    doctor = imp_here("doctor")
    assert doctor.code == 1
    for words in (
        "left by a send that died: campaign spring, step 1, channel email (2 chunks); ",
        "campaign autumn, step 2, channel email (1 chunk)",
        "campaign spring, step 3, channel email (1 chunk)",
        "imp send email --campaign spring --audience FILE --execute",
        "imp send email --campaign autumn --audience FILE --execute",
    ):
        assert doctor.out.count(words) == 1, words
    for end in ends:
        end()
    assert "send that died" not in imp_here("doctor").ok().out
