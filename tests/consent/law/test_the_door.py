"""The door by itself: what it lets in, what it asks of whom, and what else it writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands.erase import erase
from imp_consent.ledger.suppression import Suppressed
from imp_consent.policy.regime import packaged, parse_regime, register_regimes
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId
from imp_core.plugin_commands import enable
from tests.consent.law.at_the_door import CHINA, LI, PLAIN, TAGGED, door, entries, say, words

Desk = Any
NO_LAW: dict[str, Any] = {"regimes": ("hammurabi",), "jurisdiction": "FR"}

CHILDREN = """
format = "imp-regime/1"
name = "house"
title = "What we ask of the young"
opt_in = true
source = "we"

[[needs]]
trait = "sensitive"
consent = "explicit"
source = "we"

[[age]]
below = 14
needs = "guardian"
adds = ["sensitive"]
source = "we"

[[age]]
below = 16
needs = "own"
source = "we"
"""


@pytest.fixture
def settings(shop: Context, tmp_path: Path) -> Callable[[str], None]:
    """Lines more in imp.toml."""

    def put(text: str) -> None:
        with (tmp_path / "workspace" / "imp.toml").open("a", encoding="utf-8") as file:
            file.write(f"\n{text}\n")
        shop.reload_workspace()

    return put


def test_what_was_appended_is_told_by_its_number_and_its_person(shop: Context) -> None:
    first = say(shop, "grant")
    second = say(shop, "withdraw", who=first.subject)
    assert [(told.seq, told.statement) for told in entries(shop)] == [
        (first.seq, first.statement), (second.seq, second.statement)
    ]  # fmt: skip
    assert (first.subject, first.seq + 1) == (second.subject, second.seq)


def test_channels_are_those_everybody_knows_the_plugins_and_imp_tomls(
    shop: Context, settings: Callable[[str], None]
) -> None:
    settings('[policy]\nchannels = ["kiosk"]')
    enable(shop, "file")
    for channel in ("email", "kiosk", "file"):
        assert say(shop, "grant", channel=channel).statement.channel == channel
    with pytest.raises(BadInput) as refused:
        say(shop, "grant", channel="pigeon")
    assert refused.value.where == "channel"


@pytest.mark.parametrize("type_", ["withdraw", "object", "minor", "request", "link", "unlink", "correction", "lost"])
def test_what_is_never_refused_meets_the_strictest_where_the_law_that_is_named_is_none(
    shop: Context, type_: str
) -> None:
    with door(shop) as open_door:
        said = words(shop, type_, **NO_LAW)
        assert {"cn-pipl", "gdpr", "us-ca"} <= set(open_door.rules(said).names)
        with pytest.raises(BadInput):
            open_door.rules_strictly(said)
        right = words(shop, type_, regimes=("us-ca",), jurisdiction="US-CA")
        assert open_door.rules(right).names == open_door.rules_strictly(right).names == ("us-ca",)
        assert open_door.place(right) == "US-CA"


@pytest.mark.parametrize("type_", ["grant", "basis", "lift", "guardian"])
def test_what_opens_is_refused_where_the_law_that_is_named_is_none(shop: Context, type_: str) -> None:
    with door(shop) as open_door, pytest.raises(BadInput):
        open_door.rules(words(shop, type_, **NO_LAW))


def test_a_no_is_settled_under_the_law_of_what_it_ends_and_of_nobody_known_under_imp_tomls(shop: Context) -> None:
    subject = say(shop, "grant", **CHINA).subject
    with door(shop) as open_door:
        for who in (LI, subject):
            assert open_door.rules(open_door.settle(who, words(shop, "withdraw"))).names == ("cn-pipl",)
            assert open_door.rules(open_door.settle(who, words(shop, "grant"))).names == ("gdpr", "eprivacy")
        nobody = open_door.settle(PLAIN, words(shop, "withdraw"))
        assert open_door.rules(nobody).names == ("gdpr", "eprivacy")


def test_a_yes_waits_until_everything_in_imp_toml_is_read_which_is_looked_at_once(
    shop: Context, settings: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, look = [], Context.expect_known_settings
    monkeypatch.setattr(Context, "expect_known_settings", lambda ctx: looked.append(1) or look(ctx))
    with door(shop) as open_door:
        open_door.append(LI, words(shop, "refuse"))
        assert not looked
        for _ in range(3):
            open_door.append(LI, words(shop, "grant"))
        assert len(looked) == 1
    settings('[policy]\nregimess = ["gdpr"]')
    for type_ in ("grant", "guardian"):
        with pytest.raises(BadInput, match="nothing reads this setting"):
            say(shop, type_)
    assert say(shop, "withdraw").seq


@pytest.mark.parametrize("type_", ["correction", "link", "unlink", "request", "lost", "erase-requested"])
def test_of_nobody_known_nothing_is_written_that_is_only_said_of_the_known(shop: Context, type_: str) -> None:
    size = open_log(shop).size
    with pytest.raises(BadInput, match="nobody is known") as refused:
        say(shop, type_, purpose="*")
    assert (refused.value.where, open_log(shop).size) == ("identifier", size)
    subject = say(shop, "grant").subject
    if type_ != "correction":
        assert say(shop, type_, purpose="*").subject == subject


def test_what_is_looked_at_is_not_written(shop: Context) -> None:
    size = open_log(shop).size
    with door(shop) as open_door:
        open_door.check(LI, words(shop, "grant"))
        for who, said in (
            (RawId("email", "no address"), words(shop, "grant")),
            (LI, words(shop, "grant", "no-such-purpose")),
            (LI, words(shop, "grant", **NO_LAW)),
        ):
            with pytest.raises(BadInput):
                open_door.check(who, said)
    assert open_log(shop).size == size


def test_only_a_yes_brings_somebody_back(shop: Context) -> None:
    for type_ in ("refuse", "withdraw", "object"):
        with pytest.raises(BadInput, match="only a consent") as refused:
            say(shop, type_, returning=True)
        assert refused.value.where == "returning"
    assert not entries(shop)


def test_a_yes_from_before_the_return_is_none_and_a_no_from_then_is_one(shop: Context, clock: Any) -> None:
    say(shop, "grant")
    erase(shop, [LI])
    clock.move_to(clock.now_us() + 10)
    back = say(shop, "grant", returning=True)
    assert entries(shop, back.subject)[0].payload["returning"] is True
    with pytest.raises(Suppressed, match="came back"):
        say(shop, "grant", at_us=shop.clock.now_us() - 1)
    say(shop, "refuse", at_us=shop.clock.now_us() - 1)
    same = say(shop, "grant", "experimentation")
    assert same.subject == back.subject
    assert "returning" not in entries(shop)[-1].payload
    with pytest.raises(Suppressed, match="came back"):
        say(shop, "grant", at_us=shop.clock.now_us() - 1)


def test_who_was_never_erased_may_have_said_yes_at_any_time(shop: Context) -> None:
    say(shop, "refuse")
    assert say(shop, "grant", at_us=0).statement.at_us == 0


def test_who_comes_back_takes_over_no_opt_out_of_another_spelling(shop: Context, clock: Any) -> None:
    say(shop, "grant", who=PLAIN)
    erase(shop, [PLAIN])
    clock.move_to(clock.now_us() + 10)
    subject = say(shop, "grant", who=PLAIN, returning=True).subject
    assert [told.statement.type for told in entries(shop, subject)] == ["grant"]


def test_an_opt_out_reaches_the_other_spelling_and_a_yes_under_it_takes_it_over(shop: Context, clock: Any) -> None:
    say(shop, "withdraw", who=PLAIN)
    clock.move_to(clock.now_us() + 10)
    say(shop, "grant", who=TAGGED)
    assert [told.statement.type for told in entries(shop, TAGGED)] == ["withdraw", "grant"]
    say(shop, "refuse", who=TAGGED)
    assert [told.statement.type for told in entries(shop, PLAIN)] == ["withdraw", "refuse"]
    say(shop, "refuse", "experimentation", who=say(shop, "refuse", who=RawId("email", "b@gmail.com")).subject)
    assert len(entries(shop, PLAIN)) == 2


def test_an_objection_to_everything_is_written_in_its_two_halves_once(shop: Context) -> None:
    subject = say(shop, "grant", "marketing.email").subject
    for who in (LI, subject):
        say(shop, "object", "*", who=who)
    traits = [told.statement.traits for told in entries(shop) if told.statement.type == "object"]
    assert traits == [("direct-marketing", "targeted-advertising"), (), ()]


def test_a_basis_rests_on_no_notice_unless_it_names_one_and_says_what_is_used(desk: Desk, shop: Context) -> None:
    desk.notice("analytics", words=("--data", "pages")).ok()
    say(shop, "basis", basis="legitimate-interest", grounds={"assessment": "7"})
    (told,) = entries(shop)
    assert (told.statement.notice, "notice" in told.payload) == (None, False)
    assert told.payload["data_categories"] == ["pages"]
    say(shop, "basis", basis="legitimate-interest", grounds={"assessment": "7"}, notice="shown")
    assert entries(shop)[-1].payload["notice"]["name"] == "shown"
    say(shop, "withdraw")
    withdrawn = entries(shop)[-1]
    assert (withdrawn.statement.notice, "notice" in withdrawn.payload) == (None, False)
    assert withdrawn.payload["data_categories"] == []
    say(shop, "withdraw", notice="shown")
    assert entries(shop)[-1].payload["notice"]["name"] == "shown"


def test_where_their_law_knows_no_such_signal_it_closes_what_the_strictest_says(shop: Context) -> None:
    told = say(shop, "signal", "*", more={"signal": "gpc"}).statement
    assert told.traits == ("sale", "sharing", "targeted-advertising")
    assert say(shop, "limit-sensitive", "*").statement.traits == ("sensitive", "special-category")


def test_a_withdrawal_names_the_yes_it_ends_and_nothing_else_does(shop: Context) -> None:
    yes = say(shop, "grant")
    say(shop, "withdraw")
    say(shop, "refuse")
    withdrawn, refused = entries(shop)[-2:]
    assert withdrawn.payload["supersedes"] == [yes.seq]
    assert "supersedes" not in refused.payload


def test_only_what_ends_consent_opens_an_erasure_where_the_law_wants_one(shop: Context) -> None:
    say(shop, "grant", **CHINA)
    say(shop, "restrict")
    assert [told.statement.type for told in entries(shop)] == ["grant", "restrict"]
    say(shop, "withdraw", **NO_LAW, who=RawId("member", "other"))
    assert [told.statement.type for told in entries(shop, RawId("member", "other"))] == ["withdraw"], "none is certain"
    taken = say(shop, "withdraw")
    assert [told.statement.type for told in entries(shop)] == ["grant", "restrict", "withdraw", "request"]
    assert entries(shop)[-2].seq == taken.seq


def test_what_is_taken_back_by_an_old_link_is_under_the_law_of_what_it_ends(shop: Context) -> None:
    subject = say(shop, "grant", **CHINA).subject
    with door(shop) as open_door:
        taken = open_door.take_back(subject, words(shop, "withdraw"))
    (withdrawn,) = (told for told in entries(shop) if told.statement.type == "withdraw")
    assert (taken.seq, withdrawn.payload["regimes"]) == (withdrawn.seq, ["cn-pipl"])
    assert withdrawn.payload["source"]["surface"] == "test"


def test_further_words_of_the_envelope_are_kept_with_the_key(shop: Context) -> None:
    with door(shop) as open_door:
        open_door.append(LI, words(shop, "grant", more={"follows": "a call"}), idempotency_key="row 7")
    (told,) = entries(shop)
    assert (told.payload["follows"], told.payload["idempotency_key"]) == ("a call", "row 7")
    assert "returning" not in told.payload


@pytest.mark.parametrize("kinds", [("separate", None), (None, "separate")])
def test_a_separate_consent_and_another_of_the_same_moment_are_told_apart_whichever_comes_first(
    shop: Context, clock: Any, kinds: tuple[str | None, str | None]
) -> None:
    say(shop, "grant", consent=kinds[0])
    with pytest.raises(BadInput, match="not shared"):
        say(shop, "grant", "experimentation", consent=kinds[1])
    clock.move_to(clock.now_us() + 1)
    say(shop, "grant", "experimentation", consent=kinds[1])


def test_a_guardian_acts_where_one_is_authorised_alone(shop: Context) -> None:
    say(shop, "minor", "*", needs="guardian")
    with pytest.raises(BadInput, match="no guardian's authorisation"):
        say(shop, "grant", by="guardian")
    named = {"guardian": "00", "role": "mother", "verification": "ID card"}
    say(shop, "guardian", "*", by="guardian", more=named)
    assert say(shop, "grant", by="guardian").statement.by == "guardian"


def test_what_an_age_adds_is_asked_of_a_child_who_is_known_to_be_one(shop: Context) -> None:
    with open_log(shop).write() as transaction:
        register_regimes(transaction, [*packaged(), parse_regime(CHILDREN.encode())])
    law: dict[str, Any] = {"regimes": ("house",)}
    say(shop, "grant", **law)
    say(shop, "minor", "*", needs="guardian", **law)
    with pytest.raises(BadInput, match="explicit"):
        say(shop, "grant", **law)
    assert say(shop, "grant", **law, consent="explicit").seq
