"""`imp consent object`, `restrict`, `limit`, `lift`: no proof is asked for a no, and a lift needs what the law says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imp_consent.audit.verify import Verification
from imp_consent.rights.limits import Lift, lift_limit
from imp_consent.runtime import open_log
from imp_core.clock import SECOND_US, SimulatedClock, format_time
from imp_core.context import Context
from imp_core.errors import CheckFailed
from imp_core.event import RawId

Line = Any
WHO = "email:ann@example.com"


def asked(shop: Line, purpose: str = "analytics") -> str:
    return str(shop("consent", "check", WHO, "--purpose", purpose, "--json").json["reason"])


def newest(context: Context, who: str = WHO) -> Any:
    with open_log(context).read() as reader:
        subject = reader.find_subject(RawId.parse(who))
        assert subject is not None
        return [entry for entry in reader.history(subject) if entry.statement.type != "request"][-1]


def test_r28_a_restriction_denies_every_use_and_is_lifted_only_after_the_person_was_told(
    shop: Line, context: Context, clock: SimulatedClock, verified: Callable[[], Verification]
) -> None:
    done = shop("consent", "restrict", WHO, "--grounds", "contests it", "--json").ok().json
    assert asked(shop) == "restricted"
    before = format_time(clock.now_us() - SECOND_US)
    clock.move_to(clock.now_us() + 100 * SECOND_US)
    lift = ("consent", "lift", WHO, "--of", "restrict")
    for words in (
        lift,
        (*lift, "--told", "letter", "--told-at", before),
        (*lift, "--told", "letter", "--told-at", format_time(clock.now_us() + SECOND_US)),
        (*lift, "--grounds", "we feel like it"),
    ):
        assert shop(*words).code == 1, words
    assert asked(shop) == "restricted"
    told = format_time(clock.now_us() - SECOND_US)
    shop(*lift, "--told", "letter of 1 March", "--told-at", told).ok()
    assert asked(shop) == "given"
    entry = newest(context)
    assert (entry.statement.type, entry.statement.lifts) == ("lift", "restrict")
    assert entry.payload["told"] == "letter of 1 March"
    assert entry.payload["told_us"] < entry.statement.at_us
    assert entry.seq > done["seq"]
    verified()


def test_r28_nothing_is_lifted_that_is_not_in_force(shop: Line) -> None:
    answer = shop("consent", "lift", WHO, "--of", "restrict", "--told", "x", "--told-at", "2026-03-01T11:00:00Z")
    assert (answer.code, "no restriction in force" in answer.err) == (1, True)
    nobody = ("consent", "lift", "member:nobody", "--of", "object", "--grounds", "x")
    assert shop(*nobody).code == 1


def test_a_restriction_that_was_lifted_is_not_lifted_twice(shop: Line, clock: SimulatedClock) -> None:
    shop("consent", "restrict", WHO).ok()
    clock.move_to(clock.now_us() + 10 * SECOND_US)
    lift = ("consent", "lift", WHO, "--of", "restrict", "--told", "x", "--told-at", format_time(clock.now_us()))
    shop(*lift).ok()
    assert shop(*lift).code == 1
    clock.move_to(clock.now_us() + 10 * SECOND_US)
    shop("consent", "restrict", WHO).ok()
    assert asked(shop) == "restricted"


def test_a_lift_leaves_what_it_does_not_speak_of(shop: Line, clock: SimulatedClock) -> None:
    for purpose in ("analytics", "marketing.email"):
        shop("consent", "record", WHO, "--purpose", purpose, "--state", "given").ok()
    shop("consent", "restrict", WHO).ok()

    def lift(*words: str) -> int:
        clock.move_to(clock.now_us() + 10 * SECOND_US)
        told = ("--told", "letter", "--told-at", format_time(clock.now_us()))
        return int(shop("consent", "lift", WHO, "--of", "restrict", *words, *told).code)

    assert lift("--purpose", "analytics") == 0
    assert lift("--purpose", "analytics") == 1
    assert (asked(shop), asked(shop, "marketing.email")) == ("given", "restricted")
    assert lift("--purpose", "marketing") == 0
    assert lift("--purpose", "marketing.email") == 1, "below it is lifted too"
    assert lift() == 0, "what nobody named is restricted still"
    assert lift() == 1


def test_a_lift_reaches_nothing_beside_it(shop: Line, context: Context, clock: SimulatedClock) -> None:
    shop("consent", "restrict", WHO, "--purpose", "analytics", "--channel", "email").ok()
    shop("consent", "restrict", WHO, "--purpose", "analytics").ok()

    def lifted(purpose: str, channel: str) -> bool:
        clock.move_to(clock.now_us() + 10 * SECOND_US)
        told = Lift(of="restrict", purpose=purpose, channel=channel, told="letter", told_us=clock.now_us())
        with open_log(context).write() as transaction:
            try:
                lift_limit(context, transaction, RawId.parse(WHO), told)
            except CheckFailed:
                return False
        return True

    assert not lifted("marketing.email", "")
    assert lifted("analytics", "email")
    assert not lifted("analytics", "email"), "there it is lifted"
    assert lifted("analytics", ""), "on one channel is not on all"
    assert not lifted("analytics", "sms"), "on all is on each"


def test_r26_an_objection_to_direct_marketing_closes_it_and_nothing_lifts_it(shop: Line, clock: SimulatedClock) -> None:
    shop("consent", "record", WHO, "--purpose", "marketing.email", "--state", "given").ok()
    assert asked(shop, "marketing.email") == "given"
    clock.move_to(clock.now_us() + 10 * SECOND_US)
    shop("consent", "object", WHO).ok()
    assert asked(shop, "marketing.email") == "objected"
    assert asked(shop) == "given", "what is no direct marketing stays as it was"
    clock.move_to(clock.now_us() + 10 * SECOND_US)
    answer = shop("consent", "lift", WHO, "--of", "object", "--grounds", "assessment 7")
    assert (answer.code, "GDPR 21(3)" in answer.err) == (1, True)
    assert asked(shop, "marketing.email") == "objected"


def test_r27_another_objection_holds_until_compelling_grounds_are_written_down(
    shop: Line, clock: SimulatedClock, context: Context
) -> None:
    shop("consent", "object", WHO, "--everything").ok()
    clock.move_to(clock.now_us() + 10 * SECOND_US)
    assert shop("consent", "lift", WHO, "--of", "object").code == 1
    shop("consent", "lift", WHO, "--of", "object", "--grounds", "assessment 7").ok()
    assert newest(context).payload["grounds"] == {"compelling-grounds": "assessment 7"}


def test_r34_an_objection_a_limit_or_a_restriction_asks_nobody_who_they_are(shop: Line) -> None:
    for command in ("object", "limit", "restrict"):
        shop("consent", command, "email:stranger@example.com").ok()
    shop("consent", "record", "member:other", "--purpose", "analytics", "--state", "withdrawn").ok()
    kinds = [line["kind"] for line in shop("consent", "requests", "list", "--all", "--json").ok().json["requests"]]
    assert kinds == ["object", "limit", "restrict"]


def test_r46_a_limit_on_sensitive_data_is_recorded_as_such(shop: Line, context: Context) -> None:
    shop("consent", "limit", WHO, "--regime", "us-ca", "--jurisdiction", "US-CA").ok()
    said = newest(context).statement
    assert (said.type, said.purpose) == ("limit-sensitive", "*")
    assert "sensitive" in said.traits


def test_r31_recipients_are_listed_for_a_restriction(shop: Line) -> None:
    done = shop("consent", "restrict", WHO, "--json").ok().json
    assert done["to_notify"] == ["Partner GmbH", "email", "file"]


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("object", WHO, "--purpose", "juggling"), "--purpose"),
        (("object", WHO, "--purpose", "analytics", "--everything"), "--everything"),
        (("object", WHO, "--at", "2027-01-01T00:00:00Z"), "--at"),
        (("restrict", WHO, "--channel", "telepathy"), "--channel"),
        (("restrict", WHO, "--channel", "TELE PATHY"), "--channel"),
        (("restrict", WHO, "--grounds", "two\nlines"), "--grounds"),
        (("limit", "nobody"), "identifier"),
        (("limit", "email:nobody"), "identifier"),
        (("limit", "phone:12"), "identifier"),
        (("lift", "shoe:42", "--of", "restrict"), "identifier"),
        (("lift", WHO, "--of", "restrict", "--told", "how but not when"), "--told"),
        (("record", WHO, "--purpose", "analytics", "--state", "given", "--valid-for", "0d"), "--valid-for"),
        (("record", WHO, "--purpose", "juggling", "--state", "given"), "--purpose"),
        (("erase", "nobody", "--execute"), "identifier"),
        (("history", "email:nobody"), "identifier"),
        (("link", WHO, "email:nobody", "--verified", "reasonable", "--how", "x"), "identifier"),
    ],
)
def test_what_makes_no_sense_is_refused_by_the_option_that_says_it_and_leaves_nothing(
    shop: Line, context: Context, words: tuple[str, ...], where: str
) -> None:
    size = open_log(context).size
    answer = shop("consent", *words, "--json")
    assert (answer.code, answer.json["error"]["where"]) == (2, where)
    assert f"  where: {where}\n" in answer.err
    assert open_log(context).size == size


def test_a_lift_on_one_channel_opens_that_one_alone(shop: Line, clock: SimulatedClock) -> None:
    shop("consent", "record", WHO, "--purpose", "analytics", "--state", "given").ok()
    shop("consent", "restrict", WHO).ok()
    clock.move_to(clock.now_us() + 10 * SECOND_US)
    told = ("--told", "letter", "--told-at", format_time(clock.now_us()))
    lift = ("consent", "lift", WHO, "--of", "restrict", *told)
    assert "lifted for everything on the channel email" in shop(*lift, "--channel", "email").ok().out
    reasons = [
        shop("consent", "check", WHO, "--purpose", "analytics", *channel, "--json").json["reason"]
        for channel in (("--channel", "email"), ("--channel", "sms"), ())
    ]
    assert reasons == ["given", "restricted", "restricted"]
    assert shop(*lift, "--channel", "email").code == 1, "there it is lifted"
    assert shop(*lift, "--channel", "telepathy").code == 2
    assert shop(*lift, "--json").ok().json["channel"] is None


def test_r46_a_limit_is_lifted_where_the_person_asks_for_it_and_how_is_written_down(
    shop: Line, context: Context, clock: SimulatedClock
) -> None:
    shop("consent", "limit", WHO, "--regime", "us-ca", "--jurisdiction", "US-CA").ok()
    clock.move_to(clock.now_us() + 10 * SECOND_US)
    lift = ("consent", "lift", WHO, "--of", "limit-sensitive")
    size = open_log(context).size
    refused = shop(*lift, "--json")
    assert (refused.code, refused.json["error"]["where"]) == (1, "--grounds")
    assert '--grounds "their letter' in refused.json["error"]["mend"]
    assert open_log(context).size == size
    shop(*lift, "--grounds", "their letter of 1 March").ok()
    entry = newest(context)
    assert (entry.statement.type, entry.statement.lifts) == ("lift", "limit-sensitive")
    assert list(entry.payload["grounds"].values()) == ["their letter of 1 March"]
    assert entry.payload["regimes"] == ["us-ca"]
    assert shop(*lift, "--grounds", "again").code == 1, "nothing is left to lift"


def test_nothing_is_recorded_of_somebody_who_was_erased(shop: Line) -> None:
    shop("consent", "erase", WHO, "--execute").ok()
    answer = shop("consent", "object", WHO)
    assert (answer.code, "erased" in answer.err) == (1, True)
