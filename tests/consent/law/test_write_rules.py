"""The rules of writing by themselves: what each type of saying becomes, and what no rule lets pass."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.policy.cuts import Cut
from imp_consent.policy.door import Door
from imp_consent.policy.reprompt import may_ask
from imp_consent.policy.saying import Saying
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, parse_time
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

Desk = Any
NOW_US = parse_time("2026-03-01T12:00:00Z")
ANN = RawId("member", "1")


def test_an_expressed_consent_says_nothing_of_its_kind(law: Any) -> None:
    assert law.write("grant", "analytics").consent is None
    assert law.write("grant", "analytics", consent="expressed").consent is None
    with pytest.raises(BadInput, match="not a kind of consent"):
        law.write("grant", "analytics", consent="tacit")


def test_a_consent_without_any_notice_is_refused(law: Any) -> None:
    law.show("analytics")
    case = law.case()
    object.__setattr__(case, "shown", None)
    law.case = lambda: case
    with pytest.raises(BadInput, match="no notice names this purpose"):
        law.write("grant", "analytics")
    assert law.write("withdraw", "analytics").notice is None


def test_where_consent_need_not_come_first_a_bundle_is_void_all_the_same_and_elsewhere_not(law: Any) -> None:
    assert law.write("grant", "analytics", bundled=True).bundled
    law.regimes = ("us-ca",)
    assert law.write("grant", "analytics", bundled=True).bundled, "general terms are no consent there either"


def test_what_would_end_before_it_begins_is_refused(law: Any) -> None:
    with pytest.raises(BadInput, match="end before it begins"):
        law.write("grant", "analytics", until_us=NOW_US)
    assert law.write("refuse", "analytics", until_us=NOW_US + 1).until_us == NOW_US + 1
    assert law.write("withdraw", "analytics", until_us=NOW_US + 1).until_us is None


def test_the_earliest_of_all_ends_counts_and_cuts_of_a_purpose_above_do(law: Any) -> None:
    law.cuts = [Cut("marketing", NOW_US + 5 * DAY_US, 9), Cut("analytics", NOW_US, 9)]
    assert law.write("grant", "marketing.email", valid_for_days=9).until_us == NOW_US + 5 * DAY_US
    assert law.write("grant", "marketing.email", valid_for_days=2).until_us == NOW_US + 2 * DAY_US
    assert law.write("grant", "analytics").until_us is None, "a change that came before it changes nothing for it"


def test_a_late_consent_does_not_cover_what_below_it_has_changed_since(law: Any) -> None:
    law.declare("news")
    law.declare("news.letter")
    law.declare("news.paper")
    law.cuts = [Cut("news.letter", NOW_US + DAY_US, 9)]
    assert law.write("grant", "news").covers == ("news.paper",)


def test_a_separate_consent_covers_nothing_below_it(law: Any) -> None:
    law.declare("news")
    law.declare("news.letter")
    assert law.write("grant", "news", consent="separate").covers == ()
    with pytest.raises(BadInput, match="not shared"):
        law.write("grant", "news", consent="separate", bundled=True)


def test_a_separate_consent_may_have_the_evidence_of_another_days_act(law: Any) -> None:
    law.write("grant", "analytics", evidence="form", at_us=NOW_US - DAY_US)
    assert law.write("grant", "experimentation", consent="separate", evidence="form").consent == "separate"


def test_an_objection_to_one_marketing_purpose_ends_all_marketing_and_another_ends_its_own(law: Any) -> None:
    law.declare("marketing.sms", traits=("direct-marketing", "electronic-mail"))
    for purpose in ("marketing.email", "marketing"):
        said = law.write("object", purpose, channel="email")
        assert (said.purpose, said.channel, said.traits) == ("*", "email", ("direct-marketing", "targeted-advertising"))
    assert (law.write("object", "analytics").purpose, law.write("object", "analytics").traits) == ("analytics", ())
    assert law.write("object", "*").traits == ()
    own = law.write("object", "marketing.email", traits=("profiling", "profiling"))
    assert (own.purpose, own.traits) == ("*", ("direct-marketing", "profiling", "targeted-advertising"))


def test_a_signal_closes_what_its_regime_says_and_where_it_says_nothing_what_any_says(law: Any) -> None:
    sold = ("sale", "sharing", "targeted-advertising")
    assert law.write("signal", "*", more={"signal": "gpc"}).traits == sold
    law.regimes = ("us-ca",)
    assert law.write("signal", "*", more={"signal": "gpc"}).traits == sold
    assert law.write("signal", "*", more={"signal": "smoke"}).traits == (), "an unknown one closes everything"
    assert law.write("signal", "*", traits=("sale",)).traits == ("sale",)


def test_a_limit_closes_sensitive_data_whether_or_not_the_regime_speaks_of_it(law: Any) -> None:
    assert law.write("limit-sensitive", "*").traits == ("sensitive", "special-category")
    law.regimes = ("eprivacy",)
    assert law.write("limit-sensitive", "*").traits == ("sensitive", "special-category")
    assert law.write("limit-sensitive", "*", traits=("sensitive",)).traits == ("sensitive",)


def test_a_lift_needs_what_the_law_asks_for(law: Any) -> None:
    for lifts, ground in (
        ("restrict", "notified"),
        ("object", "compelling-grounds"),
        ("limit-sensitive", "own-request"),
    ):
        with pytest.raises(BadInput, match=ground):
            law.write("lift", "*", lifts=lifts)
        assert law.write("lift", "*", lifts=lifts, grounds={ground: "letter 3"}).lifts == lifts
    law.regimes = ("cn-pipl",)
    with pytest.raises(BadInput, match="nothing these regimes let anybody lift"):
        law.write("lift", "*", lifts="object", grounds={"compelling-grounds": "x"})


def test_a_minor_says_what_they_need(law: Any) -> None:
    with pytest.raises(BadInput, match="what a minor needs"):
        law.write("minor", "*")
    assert law.write("minor", "*", needs="own", until_us=NOW_US + 1).needs == "own"


def test_a_guardians_authorisation_that_has_run_out_or_came_later_lets_nobody_agree(law: Any) -> None:
    named = {"guardian": "ab" * 16, "role": "mother", "verification": "ID card"}
    with pytest.raises(BadInput, match="only a guardian"):
        law.write("grant", "analytics", by="friend")
    law.write("guardian", "marketing", by="guardian", more=named, until_us=NOW_US + DAY_US)
    with pytest.raises(BadInput, match="no age was recorded at which a guardian agrees"):
        law.write("grant", "marketing.email", by="guardian")
    law.write("minor", "*", needs="guardian", at_us=NOW_US)
    assert law.write("grant", "marketing.email", by="guardian").by == "guardian"
    for at_us, purpose in (
        (NOW_US + DAY_US, "marketing.email"),
        (NOW_US - 1, "marketing.email"),
        (NOW_US, "analytics"),
    ):
        with pytest.raises(BadInput, match="no guardian's authorisation"):
            law.write("grant", purpose, by="guardian", at_us=at_us)


def test_what_a_guardian_agreed_to_stays_in_europe_and_ends_with_the_age_in_california(law: Any) -> None:
    named = {"guardian": "ab" * 16, "role": "mother", "verification": "ID card"}
    law.write("minor", "*", needs="guardian", until_us=NOW_US + 9 * DAY_US)
    law.write("guardian", "*", by="guardian", more=named)
    assert law.write("grant", "analytics", by="guardian").until_us is None
    law.regimes = ("us-ca",)
    assert law.write("grant", "analytics", by="guardian").until_us == NOW_US + 9 * DAY_US
    assert law.write("grant", "analytics").until_us is None
    for days in (5, 7):
        law.write("minor", "*", needs="guardian", until_us=NOW_US + days * DAY_US)
    law.write("minor", "*", needs="own", until_us=NOW_US + DAY_US)
    law.write("minor", "*", needs="guardian")
    ends_us = law.write("grant", "analytics", by="guardian").until_us
    assert ends_us == NOW_US + 5 * DAY_US, "of several ages that somebody said, at the first"


def test_a_corrected_entry_counts_for_no_rule(law: Any) -> None:
    law.write("withdraw", "analytics")
    law.write("correction", "analytics", corrects=law.history[0].seq)
    law.write("basis", "analytics", basis="legitimate-interest", grounds={"assessment": "12"})


def test_what_the_law_knows_no_basis_for_is_refused(law: Any) -> None:
    with pytest.raises(BadInput, match="not a basis"):
        law.write("basis", "analytics", basis="because")
    law.regimes = ("us-ca",)
    assert law.write("basis", "analytics", basis="opt-out-notice").basis == "opt-out-notice"


def test_a_no_about_other_traits_makes_nobody_wait(law: Any) -> None:
    law.regimes = ("us-ca",)
    law.declare("selling", traits=("sale",))
    more = {"ask_again_us": NOW_US + DAY_US}
    law.write("signal", "*", more={"signal": "gpc", **more})
    assert may_ask(law.case(), "analytics", "", at_us=NOW_US).allowed
    asked = may_ask(law.case(), "selling", "", at_us=NOW_US)
    assert (asked.allowed, asked.not_before_us, asked.entry) == (False, NOW_US + DAY_US, 2)
    assert may_ask(law.case(), "selling", "", at_us=NOW_US + DAY_US).allowed
    law.write("grant", "selling", at_us=NOW_US + 1)
    assert not may_ask(law.case(), "selling", "", at_us=NOW_US + 2).allowed, "the signal still closes it"
    law.write("grant", "selling", at_us=NOW_US + 2, informed=True)
    assert may_ask(law.case(), "selling", "", at_us=NOW_US + 3).allowed


def test_a_no_is_never_refused_for_a_law_that_is_not_known_and_a_yes_is(desk: Desk) -> None:
    config = desk.shop.workspace.root / "imp.toml"
    config.write_text(config.read_text() + '\n[policy]\nregimes = ["hammurabi"]\n')
    del desk.shop.__dict__["workspace"]
    refused = desk.record("analytics", "given")
    assert (refused.code, "unknown regime" in refused.err) == (2, True)
    desk.record("analytics", "withdrawn").ok()
    assert len(desk.entries()) == 1
    assert "hammurabi" not in str(desk.entries()[0].payload["regimes"]), "it met the strictest of all"


def test_a_no_reaches_everything_below_a_purpose_and_a_yes_names_its_own(desk: Desk) -> None:
    desk.record("marketing.email", "given").ok()
    desk.wait(1)
    desk.record("marketing", "withdrawn").ok()
    assert desk.asked("marketing.email") == "withdrawn"
    assert desk.entries()[-1].payload["supersedes"] == [desk.entries()[0].seq]
    for purpose in ("marketing", "*", "market"):
        assert desk.record(purpose, "given").code == 2
    assert desk.record("market", "withdrawn").code == 2, "nothing is below it: a word that cannot be meant"
    desk.record("*", "withdrawn").ok()


def test_of_somebody_unknown_nothing_is_lifted_or_corrected(shop: Context) -> None:
    with open_log(shop).write() as transaction:
        said = Saying(type="lift", purpose="*", lifts="restrict", grounds={"notified": "x"}, at_us=transaction.now_us)
        with pytest.raises(BadInput, match="nobody is known"):
            Door(shop, transaction, surface="command line").append(ANN, said)
        with pytest.raises(BadInput) as caught:
            Door(shop, transaction, surface="command line").append(RawId("email", "no address"), said)
        assert caught.value.where == "identifier"
        said = Saying(type="basis", purpose="essential", basis="contract", evidence="7", at_us=transaction.now_us)
        with pytest.raises(BadInput) as caught:
            Door(shop, transaction, surface="command line").append(RawId("email", "no address"), said)
        assert caught.value.where == "identifier"
        assert transaction.find_subject(ANN) is None


def test_a_refused_saying_leaves_nobody_behind(shop: Context) -> None:
    with open_log(shop).write() as transaction:
        door = Door(shop, transaction, surface="test")
        bad = Saying(type="grant", purpose="analytics", action="scroll", at_us=transaction.now_us)
        for who in (ANN, RawId("email", "no address")):
            with pytest.raises(BadInput):
                door.check(who, bad)
            with pytest.raises(BadInput):
                door.append(who, bad)
        assert transaction.find_subject(ANN) is None
        good = Saying(type="grant", purpose="analytics", at_us=transaction.now_us)
        door.check(ANN, good)
        seq, subject, statement = door.append(ANN, good)
        assert (transaction.find_subject(ANN), statement.type) == (subject, "grant")
        door.check(subject, good)
        assert door.append(subject, Saying(type="restrict", purpose="*", at_us=transaction.now_us)).seq == seq + 1


@pytest.mark.parametrize("text", ["", "two\nlines", "x" * 301])
def test_a_ground_is_one_line(desk: Desk, text: str) -> None:
    with open_log(desk.shop).write() as transaction:
        said = Saying(
            type="basis", purpose="essential", basis="contract", grounds={"x": text}, at_us=transaction.now_us
        )
        with pytest.raises(BadInput, match="not one line"):
            Door(desk.shop, transaction, surface="command line").append(ANN, said)


def test_a_basis_that_came_after_the_withdrawal_helps_nobody_to_change_over(law: Any) -> None:
    law.write("withdraw", "analytics", at_us=NOW_US - DAY_US)
    words = {"basis": "legitimate-interest", "grounds": {"assessment": "12"}}
    law.regimes = ("us-ca",)  # which lets it be recorded
    law.write("basis", "analytics", **words)
    law.regimes = ("gdpr",)
    with pytest.raises(BadInput, match="took consent back"):
        law.write("basis", "analytics", **words)
    with pytest.raises(BadInput, match="not dated back over a no"):
        law.write("basis", "analytics", at_us=NOW_US - 2 * DAY_US, **words)
