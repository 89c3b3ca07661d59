"""Signals and tracked opens as channels hand them in: what intake makes of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imp_consent.ledger.entry import Statement
from imp_consent.plane.linked import FROM, TO, number
from imp_core.errors import BadInput, PluginBroken
from imp_core.event import RawId, Signal, SignalKind


def heard(member: str, kind: SignalKind, raw: str | None, at: int, **fields):
    given = {"channel": "web", "purpose": None, **fields}
    return Signal(kind=kind, identifier=RawId("member", member), event_us=at, raw=raw, **given)


def types(shop, member: str) -> list[str]:
    subject = shop.subject(member)
    with shop.log.read() as reader:
        return [] if subject is None else [entry.statement.type for entry in reader.history(subject)]


def sell(shop, member: str, *, days_ago: int = 30) -> None:
    """Consent to a sale: a purpose with that trait."""
    with shop.log.write() as transaction:
        at = shop.now - days_ago * 86_400_000_000
        statement = Statement(type="grant", purpose="analytics", channel="", at_us=at, traits=("sale",))
        transaction.append_person(transaction.subject_for(RawId("member", member)), statement, {"recorded_us": at})


def test_r40_gpc_that_a_channel_heard_closes_sales_and_holds_for_the_rows_beside_it(shop):
    sell(shop, "1")
    shop.give("2")
    rows = [shop.event("1", "m1", days_ago=0), shop.event("2", "m2", days_ago=0)]
    result = shop.take(*rows, heard("1", SignalKind.GPC, "1", shop.now - 1), heard("2", SignalKind.GPC, None, shop.now))
    assert (result.admitted, result.denied, result.signals) == (1, {"signal": 1}, 2)
    assert types(shop, "1") == ["grant", "signal"]
    assert shop.verify().ok


def test_r40_gpc_of_a_browser_nobody_knows_is_stored_and_reaches_its_people(shop):
    sell(shop, "ann")
    with shop.log.write() as transaction:
        tab, ann = (transaction.subject_for(RawId("member", name)) for name in ("tab", "ann"))
        said = Statement(type="link", purpose="*", channel="", at_us=shop.now)
        transaction.append_person(tab, said, {TO: number(ann)})
        transaction.append_person(ann, said, {FROM: number(tab)})
    assert (
        shop.take(heard("tab", SignalKind.GPC, "1", shop.now), heard("new", SignalKind.GPC, "1", shop.now)).signals == 2
    )
    assert types(shop, "ann") == ["grant", "link", "signal"]
    assert types(shop, "new") == ["signal"]
    again = shop.take(heard("tab", SignalKind.GPC, "1", shop.now), heard("new", SignalKind.GPC, "1", shop.now))
    assert (again.signals, again.signals_before) == (0, 2)
    assert types(shop, "ann") == ["grant", "link", "signal"]


@pytest.mark.parametrize("raw", ["0", "yes"])
def test_r44_a_value_that_asks_for_nothing_closes_nothing_and_takes_nothing_back(shop, raw):
    sell(shop, "1")
    shop.take(heard("1", SignalKind.GPC, raw, shop.now))
    assert shop.take(shop.event("1", "m1", days_ago=0)).admitted == 1
    shop.take(heard("1", SignalKind.GPC, "1", shop.now), heard("1", SignalKind.GPC, raw, shop.now))
    assert shop.take(shop.event("1", "m2", days_ago=0)).denied == {"signal": 1}


@pytest.mark.parametrize("kind", [SignalKind.TCF, SignalKind.GPP])
def test_r48_a_consent_string_from_a_channel_is_kept_and_opens_nothing(shop, kind):
    shop.say("1", "refuse", at=shop.now - 10)
    result = shop.take(heard("1", kind, "CPXxRfAPXxRfAAfKABENB", shop.now), heard("9", kind, "C", shop.now))
    assert (result.signals, result.signals_unknown) == (1, 1), "of nobody known nothing is kept"
    assert types(shop, "1") == ["refuse", "signal"]
    assert shop.take(shop.event("1", "m1", days_ago=0)).denied == {"refused": 1}


@pytest.mark.parametrize("take", ["take", "accept"])
def test_r52_a_reply_is_read_by_its_words_and_a_mention_is_surfaced_by_its_row(shop, take):
    shop.give("1", "2", "3")
    rows = [
        heard("1", SignalKind.REPLY, "Stop.", shop.now, channel="sms", row=1),
        heard("2", SignalKind.REPLY, "when does it stop?", shop.now, channel="sms", row=2),
        heard("3", SignalKind.REPLY, "Thanks!", shop.now, channel="sms", row=3),
        heard("3", SignalKind.REPLY, None, shop.now, channel="sms", row=4),
    ]
    result = getattr(shop, take)(*rows)
    assert (result.signals, result.mentions, result.others) == (1, (2,), (3,))
    assert [types(shop, name)[1:] for name in "123"] == [["withdraw"], [], []]


def test_a_string_that_is_too_long_is_a_fault_of_its_row_and_one_of_a_wrong_type_the_plugins(shop):
    shop.give("1")
    signal = heard("1", SignalKind.TCF, "C" * 70_000, shop.now, row=7)
    with pytest.raises(BadInput, match="row 7, raw: longer than"):
        shop.take(signal)
    with pytest.raises(PluginBroken):
        shop.take(replace(signal, raw=b"C"))


def test_r61_opens_and_clicks_of_one_persons_mail_need_a_purpose_that_says_so(shop):
    for purpose in ("marketing.email", "analytics"):
        shop.give("1", purpose=purpose)
    mail = {"purpose": "marketing.email", "channel": "email"}
    rows = [
        shop.event("1", "m1", interaction="open", **mail),
        shop.event("1", "m2", interaction="click", **mail),
        shop.event("1", "m3", interaction="delivered", **mail),
        shop.event("1", "m4", interaction="click", purpose="marketing.email", channel="web"),
    ]
    result = shop.take(*rows)
    assert (result.admitted, result.denied) == (2, {"purpose_not_covered": 2})


def test_r61_with_a_tracking_purpose_its_own_consent_decides(shop):
    shop.give("1", purpose="marketing.email")
    terms = {"tracking": frozenset({"analytics"})}
    told = {"purpose": "analytics", "channel": "email", "interaction": "open"}
    assert shop.take(shop.event("1", "m1", **told), terms=terms).denied == {"purpose_not_covered": 1}
    shop.give("1", purpose="analytics")
    assert shop.take(shop.event("1", "m2", **told), terms=terms).admitted == 1


def test_r61_opens_that_are_counted_without_anybody_are_exempt(shop):
    result = shop.take(shop.event(None, "m1", purpose="marketing.email", channel="email", interaction="open"))
    assert (result.admitted, result.denied) == (1, {})


def test_r40_a_device_whose_name_holds_what_nobody_sees_is_a_fault_of_its_row_and_the_others_are_taken(shop):
    sell(shop, "1")
    rows = [
        heard("1", SignalKind.GPC, "1", shop.now),
        replace(heard("tab\u200b", SignalKind.GPC, "1", shop.now), row=2),
        shop.event("1", "m1", days_ago=0),
    ]
    with pytest.raises(BadInput, match=r"row 2, identifier: an invisible character \(U\+200B\)"):
        shop.take(*rows)
    told = []
    result = shop.take(*rows, refuse=told.append)
    assert (result.signals, result.rejected, result.denied) == (1, 1, {"signal": 1})
    assert [(fault.row, fault.field) for fault in told] == [(2, "identifier")]
    assert types(shop, "1") == ["grant", "signal"]
    with pytest.raises(BadInput, match="an invisible character"):
        shop.accept(*rows)
    sell(shop, "2")
    waiting = shop.accept(replace(rows[0], identifier=RawId("member", "2")), rows[1], refuse=told.append)
    assert (waiting.signals, waiting.rejected, types(shop, "2")) == (1, 1, ["grant", "signal"])
