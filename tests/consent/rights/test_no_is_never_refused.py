"""A no, and what carries one, is not refused for the law or place of it, nor for those of older entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imp_consent.audit.verify import Verification
from imp_consent.policy.regime import Regimes
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.event import RawId

Line = Any
WHO, TAB = "member:1", "device:tab1"
VERIFIED = ("--verified", "reasonable", "--how", "logged in")
OLDER = [("gdpr", "UK"), ("us-ca", "FR")]  # as nobody could record any more
GPC = ("--kind", "gpc", "--raw", "1", "--channel", "web")


@pytest.fixture(params=OLDER, ids=["no such place", "no such law there"])
def older(request: pytest.FixtureRequest, shop: Line, monkeypatch: pytest.MonkeyPatch) -> Line:
    """The shop with a yes of a person from before places were looked at."""
    regime, place = request.param
    shop("consent", "purpose", "change", "analytics", "--trait", "targeted-advertising").ok()
    with monkeypatch.context() as before:
        before.setattr(Regimes, "check", lambda *_: None)
        said = ("--purpose", "analytics", "--state", "given", "--action", "click")
        shop("consent", "record", WHO, *said, "--regime", regime, "--jurisdiction", place).ok()
    assert reason(shop) == "given"
    return shop


def reason(shop: Line, who: str = WHO) -> str:
    return str(shop("consent", "check", who, "--purpose", "analytics", "--json").json["reason"])


def entries(context: Context, who: str = WHO) -> list[Any]:
    with open_log(context).read() as reader:
        return reader.history(reader.find_subject(RawId.parse(who)) or 0)


def test_r25_a_devices_opt_out_reaches_who_was_recorded_where_no_such_law_or_place_is(
    older: Line, verified: Callable[[], Verification]
) -> None:
    older("consent", "signal", "record", TAB, *GPC).ok()
    assert "1 signal reaches the person" in older("consent", "signal", "link", TAB, WHO).ok().out
    assert reason(older) != "given"
    older("consent", "signal", "link", TAB, WHO, "--end").ok()
    verified()


def test_r25_so_does_what_it_sends_once_it_is_linked(older: Line) -> None:
    older("consent", "signal", "link", TAB, WHO).ok()
    assert reason(older) == "given"
    older("consent", "signal", "record", TAB, *GPC).ok()
    assert reason(older) != "given"


def test_r35_their_wrong_entry_is_corrected_and_their_address_linked_and_unlinked(
    older: Line, context: Context, verified: Callable[[], Verification]
) -> None:
    address = "email:one@example.com"
    older("consent", "link", WHO, address, *VERIFIED).ok()
    assert reason(older, address) == "given"
    wrong = next(entry.seq for entry in entries(context) if entry.statement.type == "grant")
    older("consent", "rectify", WHO, "--entry", str(wrong), *VERIFIED).ok()
    assert reason(older) == "no_record"
    older("consent", "unlink", address, *VERIFIED).ok()
    verified()


@pytest.mark.parametrize("command", ["object", "restrict", "limit"])
def test_what_they_say_no_to_is_noted_without_a_word_of_what_nobody_can_mend(older: Line, command: str) -> None:
    done = older("consent", command, WHO).ok()
    assert "warning" not in done.err


def test_a_request_keeps_of_their_place_and_law_what_there_is(older: Line, context: Context) -> None:
    older("consent", "requests", "open", "access", WHO).ok()
    payload = entries(context)[-1].payload
    kept = [(["gdpr"], None), (["gdpr", "eprivacy"], "FR")]
    assert (payload["regimes"], payload["jurisdiction"]) in kept


@pytest.mark.parametrize(
    ("words", "what", "mend"),
    [
        (("--jurisdiction", "uk"), "not a jurisdiction (--jurisdiction)", "a country by ISO 3166-1"),
        (("--jurisdiction", "UK"), "no such country (--jurisdiction)", "write it GB"),
        (("--regime", "nope"), "unknown regime (--regime)", "one of cn-pipl"),
        (("--regime", "us-ca", "--jurisdiction", "FR"), "does not hold for people in FR", "name the law"),
    ],
)
@pytest.mark.parametrize("command", ["object", "restrict", "limit"])
def test_a_no_by_a_right_of_its_own_meets_the_strictest_law_where_that_named_is_none_and_says_so(
    shop: Line, context: Context, command: str, words: tuple[str, ...], what: str, mend: str,
    verified: Callable[[], Verification],
) -> None:  # fmt: skip
    shop("consent", "record", WHO, "--purpose", "marketing.email", "--state", "given").ok()
    done = shop("consent", command, WHO, *words, "--json").ok()
    assert all(part in done.json["law_unknown"] for part in (what, "the strictest law there is", mend))
    assert done.err == f"warning: {done.json['law_unknown']}\n"
    said = entries(context)[-1]
    known = shop("consent", "regime", "list", "--json").json["regimes"]
    assert set(said.payload["regimes"]) == {one["name"] for one in known}
    assert said.payload["jurisdiction"] in (None, "FR")
    (request,) = shop("consent", "requests", "list", "--all", "--json").ok().json["requests"]
    assert (request["state"], request["due"] is not None) == ("answered", True)
    asked = shop("consent", "check", WHO, "--purpose", "marketing.email", "--json").json
    assert asked["permitted"] is (command == "limit"), "a limit is on sensitive data"
    verified()


@pytest.mark.parametrize("words", [("--jurisdiction", "uk"), ("--regime", "nope")])
def test_no_signal_is_refused_for_the_law_or_place_named_with_it(shop: Line, words: tuple[str, ...]) -> None:
    shop("consent", "purpose", "change", "analytics", "--trait", "targeted-advertising").ok()
    shop("consent", "record", WHO, "--purpose", "analytics", "--state", "given").ok()
    shop("consent", "signal", "record", WHO, *GPC, *words).ok()
    assert reason(shop) != "given"


@pytest.mark.parametrize(
    ("policy", "where", "mend"),
    [
        ('jurisdiction = "UK"', "imp.toml, [policy] jurisdiction", "write it GB"),
        ('jurisdiction = "uk"', "imp.toml, [policy] jurisdiction", "a country by ISO 3166-1"),
        ('regimes = ["nope"]', "imp.toml, [policy] regimes", "one of cn-pipl"),
        ('regimes = ["us-ca"]\njurisdiction = "FR"', "imp.toml, [policy] regimes", "name the law that holds in FR"),
    ],
)
def test_r03_a_workspace_whose_law_or_place_is_none_says_so_takes_no_yes_and_every_no(
    shop: Line, setting: Callable[[str], None], policy: str, where: str, mend: str
) -> None:
    yes = ("consent", "record", WHO, "--purpose", "analytics", "--state", "given")
    shop(*yes, "--action", "click").ok()
    assert next(one for one in shop("doctor", "--json").json["checks"] if one["name"] == "law")["ok"] is True
    setting(f"[policy]\n{policy}")
    refused = shop(*yes, "--json")
    assert (refused.code, refused.json["error"]["where"]) == (2, where), refused.out
    assert mend in refused.json["error"]["mend"]
    told = shop("doctor", "--json")
    law = next(one for one in told.json["checks"] if one["name"] == "law")
    assert (told.code, law["ok"], where in law["detail"], mend in law["mend"]) == (1, False, True, True)
    shop(*yes, "--regime", "gdpr", "--jurisdiction", "FR").ok()
    shop("consent", "minor", WHO, "--age", "9").ok()
    shop("consent", "signal", "record", TAB, *GPC, "--link", WHO).ok()
    for command in ("object", "limit", "restrict"):
        assert where in shop("consent", command, f"member:{command}", "--json").ok().json["law_unknown"]
    shop("consent", "record", WHO, "--purpose", "analytics", "--state", "withdrawn").ok()
    assert reason(shop) != "given"
