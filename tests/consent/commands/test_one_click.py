"""RFC 8058 end to end: what a request to the address in List-Unsubscribe records, and what it never does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imp_consent.commands.one_click import answer_one_click
from imp_consent.commands.record import record
from imp_consent.identity.unsubscribe import seal_token
from imp_consent.ledger.entry import PersonEntry
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SECOND_US, SimulatedClock, format_time
from imp_core.context import Context
from imp_core.event import RawId

Cli = Any
ANN, MAIL = "email:ann@example.com", "marketing.email"
BODY = "List-Unsubscribe=One-Click"


@pytest.fixture
def link(shop: Context) -> str:
    """The address in a message that Ann got: she said yes to mail."""
    record(shop, RawId.parse(ANN), purpose=MAIL, state="given")
    with open_log(shop).read() as reader:
        subject, key = reader.find_subject(RawId.parse(ANN)), reader.keyring.active("channel")
    assert subject is not None
    sealed = seal_token(key, subject=subject, purpose=MAIL, channel="email", issued_us=shop.clock.now_us())
    return f"https://shop.example/u?t={sealed}"


def asked(imp_here: Cli) -> bool:
    answer: bool = imp_here("consent", "check", ANN, "--purpose", MAIL, "--channel", "email", "--json").json[
        "permitted"
    ]
    return answer


def test_r50_a_post_with_the_one_click_body_records_the_opt_out_with_no_further_step(
    imp_here: Cli, shop: Context, link: str, entries: Callable[[str], list[PersonEntry]]
) -> None:
    done = imp_here("consent", "one-click", "POST", link, "--json", input=BODY).ok().json
    assert (done["status"], done["recorded"]["withdrawn"]) == (200, 1)
    assert not asked(imp_here)
    entry = entries(ANN)[-1]
    assert (entry.statement.type, entry.statement.channel, entry.payload["steps"]) == ("withdraw", "email", 1)
    imp_here("audit", "verify").ok()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_r50_a_get_alone_changes_nothing_and_shows_a_button_that_posts(
    imp_here: Cli, shop: Context, link: str, method: str
) -> None:
    size = open_log(shop).size
    answer = imp_here("consent", "one-click", method, link, input=BODY).ok()
    assert answer.out.startswith("200\n")
    assert ('method="post"' in answer.out, 'name="List-Unsubscribe" value="One-Click"' in answer.out) == (True, True)
    assert (asked(imp_here), open_log(shop).size) == (True, size)


@pytest.mark.parametrize("body", ["", "List-Unsubscribe=Maybe", "one click", "\x00"])
def test_r50_a_post_without_the_body_is_refused_and_changes_nothing(
    imp_here: Cli, shop: Context, link: str, body: str
) -> None:
    size = open_log(shop).size
    answer = imp_here("consent", "one-click", "POST", link, input=body)
    assert (answer.code, answer.out.startswith("400\n"), open_log(shop).size) == (1, True, size)
    assert asked(imp_here)


def test_r50_a_strangers_token_is_refused_in_words_that_repeat_nothing(imp_here: Cli, shop: Context) -> None:
    for target in ("https://shop.example/u?t=uSECRET", "https://shop.example/u", "x"):
        answer = imp_here("consent", "one-click", "POST", target, input=BODY)
        assert (answer.code, "SECRET" in answer.out + answer.err) == (1, False)


def test_r50_the_answer_tells_nobody_who_is_known_here(shop: Context, link: str) -> None:
    first = answer_one_click(shop, "POST", link, body=BODY.encode())
    second = answer_one_click(shop, "POST", link, body=BODY.encode())
    assert (first.status, first.body) == (second.status, second.body)
    assert (first.recorded and first.recorded.withdrawn, second.recorded and second.recorded.already) == (1, 1)


def test_r50_another_method_is_told_so(shop: Context, link: str) -> None:
    assert answer_one_click(shop, "DELETE", link).status == 405


def test_r51_an_opt_out_denies_every_send_from_that_moment(imp_here: Cli, shop: Context, link: str) -> None:
    imp_here("consent", "one-click", "POST", link, input=BODY).ok()
    now = shop.clock.now_us()
    answer = imp_here(
        "consent", "check", ANN, "--purpose", MAIL, "--channel", "email", "--at", format_time(now), "--json"
    ).json
    assert (answer["permitted"], answer["reason"]) == (False, "channel_opt_out")


@pytest.mark.parametrize("days", [1, 30, 31, 400])
def test_r51_the_way_out_works_thirty_days_after_the_send_and_far_beyond(
    imp_here: Cli, shop: Context, clock: SimulatedClock, link: str, days: int
) -> None:
    imp_here("keys", "rotate", "pepper", "--execute").ok()
    clock.move_to(clock.now_us() + days * DAY_US)
    done = imp_here("consent", "one-click", "POST", link, "--json", input=BODY).ok().json
    assert done["recorded"]["withdrawn"] == 1
    clock.move_to(clock.now_us() + SECOND_US)
    assert not asked(imp_here)


def test_r51_nothing_but_the_address_is_asked_for(shop: Context, link: str) -> None:
    done = answer_one_click(shop, "POST", link, content_type="", body=BODY.encode())
    assert (done.status, done.recorded is not None) == (200, True)
    page = answer_one_click(shop, "GET", link).body
    assert ("password" in page, "email" in page.lower(), page.count("<input")) == (False, False, 1)
