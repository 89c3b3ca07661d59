"""`imp consent erase` as an answer to a person: who asks is known, two persons come first, and links to devices end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imp_consent.audit.verify import Verification
from imp_consent.plane.linked import people_of
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SimulatedClock
from imp_core.context import Context
from imp_core.event import RawId

Line = Any
Setting = Callable[[str], None]
WHO, BEN, TAB = "email:ann@example.com", "member:ben", "device:tab-1"
ERASE = ("consent", "erase", WHO)
HOW = ("--how", "answered our letter")


def is_known(shop: Line, who: str = WHO) -> bool:
    return bool(shop("consent", "history", who, "--json").json["entries"])


def requests(shop: Line) -> list[tuple[str, str, str]]:
    found = shop("consent", "requests", "list", "--all", "--json").ok().json["requests"]
    return [(one["kind"], one["state"], one["verified"]) for one in found]


def listed(shop: Line) -> list[tuple[str, str, str | None, int, int]]:
    """Who is to be told: of what, from which purpose they opted out, of how many people, and of how many too late."""
    found = shop("consent", "recipients", "list", "--json").ok().json["recipients"]
    return [(one["recipient"], one["what"], one["purpose"], one["people"], one["overdue"]) for one in found]


def channels(shop: Line) -> list[tuple[str, str, int]]:
    """Which channels are to be told by program: of what, of how many people."""
    found = shop("consent", "tell", "--dry-run", "--json").ok().json["channels"]
    return [(one["channel"], one["what"], one["due"]) for one in found]


def test_r34_a_person_who_asks_for_their_erasure_is_known_surely_enough(
    shop: Line, setting: Setting, verified: Callable[[], Verification]
) -> None:
    setting('[rights.verification]\nerase = "reasonable"')
    for words in ((*HOW,), ("--verified", "contact", *HOW), ("--words", "forget me")):
        for execute in ((), ("--execute",)):
            answer = shop(*ERASE, *words, *execute)
            assert (answer.code, "needs the level reasonable" in answer.err) == (1, True), words
            assert shop("consent", "erase", "member:nobody", *words, *execute).err == answer.err, "nor who is known"
    assert is_known(shop)
    assert requests(shop) == []
    done = shop(*ERASE, "--verified", "reasonable", *HOW, "--execute", "--json").ok().json
    assert len(done["answered"]) == 1
    assert requests(shop) == [("erase", "answered", "reasonable")]
    assert not is_known(shop)
    verified()


def test_r34_a_request_that_is_named_says_who_asked(shop: Line) -> None:
    opened = ("consent", "requests", "open", "erase", WHO, "--json")
    unsure = shop(*opened).ok().json["id"]
    assert shop(*ERASE, "--request", unsure, "--execute").code == 1
    assert shop("consent", "erase", BEN, "--request", unsure, "--verified", "high", *HOW, "--execute").code == 2
    assert (is_known(shop), is_known(shop, BEN)) == (True, True)
    shop("consent", "requests", "answer", unsure, "--outcome", "refused", "--because", "excessive").ok()
    assert shop(*ERASE, "--request", unsure, "--verified", "contact", *HOW, "--execute").code == 1, "answered before"
    sure = shop(*opened, "--verified", "contact", *HOW).ok().json["id"]
    access = shop("consent", "requests", "open", "access", WHO, "--json").ok().json["id"]
    assert shop(*ERASE, "--request", access, "--verified", "high", *HOW, "--execute").code == 2, "not for an erasure"
    shop(*ERASE, "--request", sure).ok()
    assert shop(*ERASE, "--request", sure, "--execute", "--json").ok().json["answered"] == [sure]
    assert ("access", "open", "none") in requests(shop), "only what was asked for is answered"


def test_whoever_asks_has_their_open_request_answered_and_another_noted_only_with_words_of_its_own(
    shop: Line, verified: Callable[[], Verification]
) -> None:
    bens = shop("consent", "requests", "open", "erase", BEN, "--json").ok().json["id"]
    anns = shop("consent", "requests", "open", "erase", WHO, "--words", "Forget me", "--json").ok().json["id"]
    sure = ("--verified", "contact", *HOW)
    shop(*ERASE, *sure).ok()
    assert shop(*ERASE, *sure, "--execute", "--json").ok().json["answered"] == [anns]
    again = shop("consent", "erase", BEN, *sure, "--words", "Forget me, I said", "--execute", "--json").ok().json
    found = shop("consent", "requests", "list", "--all", "--json").ok().json["requests"]
    assert sorted(again["answered"]) == sorted({one["id"] for one in found} - {anns})
    assert bens in again["answered"]
    assert len(again["answered"]) == 2, "the words of the second letter have a request of their own"
    assert {one["state"] for one in found} == {"answered"}
    verified()


@pytest.mark.parametrize("named", [True, False])
def test_no_erasure_is_refused_because_several_are_open_and_it_answers_all_of_them(
    shop: Line, context: Context, named: bool
) -> None:
    ids = [shop("consent", "requests", "open", "erase", WHO, "--json").ok().json["id"] for _ in range(2)]
    size, sure = open_log(context).size, ("--verified", "contact", *HOW)
    which = ("--request", ids[1]) if named else ()
    assert shop(*ERASE, "--verified", "none", "--request", ids[0], "--execute").code == 1, "not known who asks"
    shop(*ERASE, *sure, *which).ok()
    assert open_log(context).size == size
    assert is_known(shop)
    done = shop(*ERASE, *sure, *which, "--execute", "--json").ok().json
    assert sorted(done["answered"]) == sorted(ids)
    assert [state for _, state, _ in requests(shop)] == ["answered", "answered"]


def test_another_request_for_erasure_is_noted_beside_the_open_one_where_that_is_said(shop: Line) -> None:
    shop("consent", "requests", "open", "erase", WHO).ok()
    words = ("--verified", "contact", *HOW, "--request", "new", "--words", "a second letter")
    assert shop(*ERASE, "--request", "new", "--execute").code == 1, "nor is new a way round the level"
    assert len(shop(*ERASE, *words, "--execute", "--json").ok().json["answered"]) == 2
    assert requests(shop) == [("erase", "answered", "none"), ("erase", "answered", "contact")]


def test_nobody_asks_for_somebody_else(shop: Line) -> None:
    words = ("--verified", "high", *HOW)
    assert shop(*ERASE, BEN, *words, "--execute").code == 2
    assert shop("consent", "erase", "--resume", *words).code == 2
    assert (is_known(shop), is_known(shop, BEN)) == (True, True)


def test_of_your_own_accord_you_erase_without_saying_who_asks(shop: Line, setting: Setting) -> None:
    setting('[rights.verification]\nerase = "high"')
    shop(*ERASE, BEN, "--execute").ok()
    assert requests(shop) == []


def test_r31_an_erasure_that_waits_for_a_second_person_tells_and_notes_nothing(shop: Line, setting: Setting) -> None:
    setting("[policy]\ntwo_persons = true\ntwo_persons_above = 1")
    words = (*ERASE, BEN, "--execute", "--json")
    assert shop(*words).code == 1
    assert shop("consent", "recipients", "list", "--json").ok().json["recipients"] == []
    (waits,) = shop("approve", "--json").ok().json["waiting"]
    shop("approve", str(waits["seq"]), IMP_ACTOR="ben").ok()
    assert shop(*words).ok().json["to_notify"] == ["Partner GmbH"]
    assert shop("approve", "--json").ok().json["waiting"] == [], "it was asked for once"


def test_retention_waits_for_a_second_person_and_tells_recipients(
    shop: Line, setting: Setting, clock: SimulatedClock, verified: Callable[[], Verification]
) -> None:
    setting("[policy]\ntwo_persons = true\ntwo_persons_above = 1\n[retention]\nevidence = 100\narchive.outcome = 100")
    for who in (WHO, BEN):
        shop("consent", "record", who, "--purpose", "analytics", "--state", "withdrawn").ok()
    clock.move_to(clock.now_us() + 200 * DAY_US)
    words = ("consent", "retention", "--execute", "--json")
    plan = shop(*words[:2], "--json").ok().json
    assert (plan["people"], plan["rows"], plan["to_notify"]) == (2, {"outcome": 2}, ["Partner GmbH"])
    # both said no to what the notice had let Partner GmbH take part in: it hears of that at once, within the month
    no = ("Partner GmbH", "opt-out", "analytics", 2, 2)
    assert listed(shop) == [no]
    assert shop(*words).code == 1
    assert shop(*words[:2], "--json").ok().json == plan, "not even the events went"
    assert (listed(shop), channels(shop)) == ([no], []), "of an erasure nobody is told yet"
    (waits,) = shop("approve", "--json").ok().json["waiting"]
    shop("approve", str(waits["seq"]), IMP_ACTOR="ben").ok()
    done = shop(*words).ok().json
    assert (done["people"], done["rows"], done["to_notify"]) == (2, {"outcome": 2}, ["Partner GmbH"])
    assert listed(shop) == [("Partner GmbH", "erase", None, 2, 0), no]
    assert channels(shop) == [("email", "erase", 2), ("file", "erase", 2)]
    verified()


@pytest.mark.parametrize("gone", [WHO, TAB])
def test_an_erasure_ends_the_links_to_devices(
    shop: Line, context: Context, gone: str, verified: Callable[[], Verification]
) -> None:
    heard = (
        "consent",
        "signal",
        "record",
        TAB,
        "--kind",
        "gpc",
        "--raw",
        "1",
        "--channel",
        "file",
        "--regime",
        "us-ca",
    )
    shop(*heard, "--link", WHO).ok()
    assert shop(*ERASE, "--json").ok().json["devices"] == 1
    assert shop(*ERASE, TAB, "--json").ok().json["devices"] == 0, "it would go as well"
    assert "linked devices that stay known by their own identifiers: 1" in shop(*ERASE).out
    shop("consent", "erase", gone, "--execute").ok()
    (stays,) = {WHO, TAB} - {gone}
    with open_log(context).read() as reader:
        subject = reader.find_subject(RawId.parse(stays))
        assert subject is not None
        history = reader.history(subject)
    ended = history[-1]
    assert (ended.statement.type, ended.payload["type"], people_of(history)) == ("unlink", "unlink", ())
    assert shop("consent", "erase", stays, "--json").ok().json["devices"] == 0
    if stays == TAB:
        shop("consent", "signal", "record", TAB, "--kind", "gpc", "--raw", "0", "--channel", "file").ok()
    shop("consent", "erase", stays, "--execute").ok()
    verified()


def test_a_person_and_their_device_are_erased_together(shop: Line, verified: Callable[[], Verification]) -> None:
    shop("consent", "signal", "record", TAB, "--kind", "gpc", "--raw", "1", "--channel", "file", "--link", WHO).ok()
    assert shop(*ERASE, TAB, "--execute", "--json").ok().json["people"] == 2
    verified()
