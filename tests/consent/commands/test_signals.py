"""Signals through the command line: what is heard closes what regimes say, for devices and for their people."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.ledger.entry import PersonEntry
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.door import Door
from imp_consent.policy.notice import Notice, register_notice
from imp_consent.policy.purpose import DEFAULT_PURPOSES, register_purposes
from imp_consent.policy.saying import Saying
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SimulatedClock
from imp_core.context import Context
from imp_core.event import RawId

Cli = Any
Entries = Callable[[str], list[PersonEntry]]
TAB, ANN = "device:tab-1", "member:ann-1"
TRAITS = {
    "ads.sale": ("sale",),
    "ads.share": ("sharing",),
    "ads.target": ("targeted-advertising",),
    "ads.count": (),
    "ads.club": ("sale", "financial-incentive"),
}
GPC = ("--kind", "gpc", "--raw", "1", "--channel", "web")


@pytest.fixture
def us(shop: Context) -> Context:
    """A shop under Californian law, which sells, shares and targets."""
    with (shop.workspace.root / "imp.toml").open("a", encoding="utf-8") as file:
        file.write('\n[policy]\nregimes = ["us-ca"]\njurisdiction = "US-CA"\n')
    shop.reload_workspace()
    own = [
        DeclaredPurpose(name=name, description="We do it.", traits=traits or ("none",))
        for name, traits in TRAITS.items()
    ]
    text = "Shop Ltd does all this. You may withdraw at any time."
    notice = Notice(
        name="ads", version=1, language="en", controller="Shop Ltd", purposes=tuple(TRAITS), text=text,
        withdrawal="You may withdraw at any time.",
    )  # fmt: skip
    with open_log(shop).write() as transaction:
        register_purposes(transaction, [*DEFAULT_PURPOSES, *own])
        register_notice(transaction, notice)
    return shop


@pytest.fixture
def give(us: Context, clock: SimulatedClock) -> Callable[..., None]:
    """A yes for purposes, a second later than what was said last."""

    def say(word: str, *purposes: str, informed: bool = False, ago: int = 0) -> None:
        clock.move_to(clock.now_us() + 1_000_000)
        with open_log(us).write() as transaction:
            for purpose in purposes:
                said = Saying(
                    type="grant", purpose=purpose, at_us=clock.now_us() - ago, traits=TRAITS[purpose],
                    informed=informed, action="click",
                )  # fmt: skip
                Door(us, transaction, surface="command line").append(RawId.parse(word), said)

    return say


@pytest.fixture
def asked(imp_here: Cli) -> Callable[..., str]:
    """What the gate answers: permitted, or the reason why not."""

    def ask(word: str, purpose: str, channel: str = "web") -> str:
        answer = imp_here("consent", "check", word, "--purpose", purpose, "--channel", channel, "--json").json
        return "permitted" if answer["permitted"] else answer["reason"]

    return ask


def heard(imp_here: Cli, word: str, *options: str) -> Any:
    return imp_here("consent", "signal", "record", word, *options, "--json").ok().json


def test_r40_gpc_is_stored_and_closes_sale_sharing_and_targeting_for_the_browser_at_once(
    imp_here: Cli, give: Callable[..., None], asked: Callable[..., str], entries: Entries
) -> None:
    give(TAB, "ads.sale", "ads.share", "ads.target", "ads.count")
    assert asked(TAB, "ads.sale") == "permitted"
    done = heard(imp_here, TAB, *GPC)
    assert (done["recorded"], done["held"], done["invalid"]) == (1, 0, 0)
    assert [asked(TAB, name) for name in ("ads.sale", "ads.share", "ads.target")] == ["signal"] * 3
    unbound = imp_here("consent", "check", TAB, "--purpose", "ads.sale", "--json").json
    assert (unbound["permitted"], unbound["reason"]) == (False, "signal"), "what is not to be sold is not sold anywhere"
    assert asked(TAB, "ads.count") == "permitted", "what nobody sells, shares or targets by stays as it was"
    entry = next(one for one in entries(TAB) if one.statement.type == "signal")
    assert entry.statement.traits == ("sale", "sharing", "targeted-advertising")
    string: Any = entry.payload["string"]
    assert (string["raw"], string["decoder"], string["decoder_version"], string["valid"]) == ("1", "gpc", "1", True)
    imp_here("audit", "verify").ok()


def test_a_gpc_of_which_nobody_says_the_value_is_none(imp_here: Cli, entries: Entries, tmp_path: Path) -> None:
    refused = imp_here("consent", "signal", "record", TAB, "--kind", "gpc", "--channel", "web")
    assert (refused.code, "--raw 1" in refused.err) == (2, True)
    (tmp_path / "gpc.csv").write_text(f"identifier,kind,at,channel\n{TAB},gpc,2026-03-01T11:00:00Z,web\n")
    refused = imp_here("consent", "signal", "import", str(tmp_path / "gpc.csv"))
    assert (refused.code, "line 2, raw" in refused.err) == (2, True)
    assert entries(TAB) == []


def test_r40_a_signal_reaches_the_people_linked_to_the_browser_and_nobody_else(
    imp_here: Cli, give: Callable[..., None], asked: Callable[..., str], entries: Entries
) -> None:
    give(ANN, "ads.sale", "ads.count")
    give("member:bob", "ads.sale")
    imp_here("consent", "signal", "link", TAB, ANN).ok()
    assert asked(ANN, "ads.sale") == "permitted"
    heard(imp_here, TAB, *GPC)
    assert (asked(ANN, "ads.sale"), asked(ANN, "ads.count")) == ("signal", "permitted")
    assert asked("member:bob", "ads.sale") == "permitted"
    mine = next(one for one in entries(ANN) if one.statement.type == "signal")
    assert isinstance(mine.payload["linked_from"], str)


def test_r40_a_link_made_later_lets_the_signal_through_too(
    imp_here: Cli, clock: SimulatedClock, give: Callable[..., None], asked: Callable[..., str]
) -> None:
    heard(imp_here, TAB, *GPC)
    give(ANN, "ads.sale")
    assert imp_here("consent", "signal", "link", TAB, ANN, "--json").ok().json == {
        "linked": True, "changed": True, "reached": 1,
    }  # fmt: skip
    assert asked(ANN, "ads.sale") == "signal"
    assert imp_here("consent", "signal", "link", TAB, ANN, "--json").ok().json["changed"] is False


def test_r40_the_person_may_be_named_with_the_signal(
    imp_here: Cli, give: Callable[..., None], asked: Callable[..., str]
) -> None:
    give(ANN, "ads.sale")
    heard(imp_here, TAB, *GPC, "--link", ANN)
    assert asked(ANN, "ads.sale") == "signal"


def test_r40_a_consent_never_travels_along_a_link_and_a_persons_signal_not_back(
    imp_here: Cli, give: Callable[..., None], asked: Callable[..., str]
) -> None:
    imp_here("consent", "signal", "link", TAB, ANN).ok()
    give(TAB, "ads.count")
    assert asked(ANN, "ads.count") == "no_record"
    give(TAB, "ads.sale")
    heard(imp_here, ANN, *GPC)
    assert asked(TAB, "ads.sale") == "permitted"


def test_r40_a_link_that_ended_carries_nothing_more_and_what_came_by_it_stays(
    imp_here: Cli, give: Callable[..., None], asked: Callable[..., str]
) -> None:
    give(ANN, "ads.sale")
    give("member:bob", "ads.sale")
    for word in (ANN, "member:bob"):
        imp_here("consent", "signal", "link", TAB, word).ok()
    assert imp_here("consent", "signal", "link", TAB, ANN, "--end", "--json").ok().json["changed"] is True
    heard(imp_here, TAB, *GPC)
    assert (asked(ANN, "ads.sale"), asked("member:bob", "ads.sale")) == ("permitted", "signal")
    imp_here("consent", "signal", "link", TAB, "member:bob", "--end").ok()
    assert asked("member:bob", "ads.sale") == "signal"
    assert "no such link" in imp_here("consent", "signal", "link", TAB, ANN, "--end").ok().out


def test_a_browser_nobody_knows_yet_is_known_by_its_signal_from_then_on(
    imp_here: Cli, give: Callable[..., None], asked: Callable[..., str]
) -> None:
    heard(imp_here, TAB, *GPC)
    give(TAB, "ads.sale")
    assert asked(TAB, "ads.sale") == "signal"


def test_the_same_signal_again_with_every_request_appends_nothing(imp_here: Cli, us: Context) -> None:
    heard(imp_here, TAB, *GPC)
    before = open_log(us).size
    done = heard(imp_here, TAB, *GPC)
    assert (done["recorded"], done["held"], done["first_seq"]) == (0, 1, None)
    assert open_log(us).size == before


def test_a_signal_of_somebody_who_was_erased_brings_nobody_back(imp_here: Cli, us: Context) -> None:
    heard(imp_here, TAB, *GPC)
    imp_here("consent", "erase", TAB, "--execute").ok()
    size = open_log(us).size
    done = heard(imp_here, TAB, *GPC)
    assert (done["recorded"], done["held"], done["nobody"], open_log(us).size) == (0, 0, 1, size)


def test_a_copy_of_what_is_held_of_a_person_does_not_name_their_device(
    imp_here: Cli, us: Context, tmp_path: Path
) -> None:
    heard(imp_here, TAB, *GPC, "--link", ANN)
    with open_log(us).read() as reader:
        numbers = [f"{reader.find_subject(RawId.parse(word)):016x}" for word in (TAB, ANN)]
    copies = []
    for word in (TAB, ANN):
        folder = tmp_path / word.replace(":", "-")
        imp_here("consent", "access", word, "--verified", "high", "--how", "passport", "--out", str(folder)).ok()
        copies.append("".join(file.read_text(encoding="utf-8") for file in folder.iterdir()))
    assert [number in copy for copy in copies for number in numbers] == [False] * 4
    assert all("gpc" in copy for copy in copies)


def test_r42_a_programme_stays_open_only_for_who_was_asked_and_chose_to_stay(
    imp_here: Cli, give: Callable[..., None], asked: Callable[..., str]
) -> None:
    for word in (TAB, ANN):
        give(word, "ads.club", "ads.sale")
        heard(imp_here, word, *GPC)
        assert asked(word, "ads.club") == "signal", "nobody was asked: the signal holds for the programme too"
    give(ANN, "ads.club")
    assert asked(ANN, "ads.club") == "signal", "a yes that was not given in the know of the conflict changes nothing"
    give(ANN, "ads.club", informed=True)
    assert (asked(ANN, "ads.club"), asked(ANN, "ads.sale")) == ("permitted", "signal")
    heard(imp_here, ANN, *GPC)
    assert asked(ANN, "ads.club") == "permitted", "the browser goes on saying what it was asked about"
    imp_here("consent", "record", ANN, "--purpose", "ads.club", "--state", "withdrawn").ok()
    assert asked(ANN, "ads.club") != "permitted", "and who affirms that they want out is out"


def test_r43_a_web_plugin_reads_the_flag_through_the_context_it_is_handed(imp_here: Cli, us: Context) -> None:
    assert not us.signals.honoured(RawId.parse(TAB)).honoured
    heard(imp_here, TAB, *GPC)
    found = us.signals.honoured(RawId.parse(TAB))
    assert (found.honoured, found.signals) == (True, ("gpc",))


@pytest.mark.parametrize("first", ["link", "signal"])
def test_r41_a_yes_in_the_know_of_one_browsers_signal_is_none_in_the_know_of_anothers(
    imp_here: Cli,
    clock: SimulatedClock,
    give: Callable[..., None],
    asked: Callable[..., str],
    first: str,
    entries: Entries,
) -> None:
    give(ANN, "ads.sale")
    heard(imp_here, TAB, *GPC, "--link", ANN)
    give(ANN, "ads.sale", informed=True)
    clock.move_to(clock.now_us() + 1_000_000)
    heard(imp_here, TAB, *GPC)
    assert asked(ANN, "ads.sale") == "permitted", "they knew that this browser asks for it"
    other = ("device:tab-2", ANN)
    if first == "link":
        imp_here("consent", "signal", "link", *other).ok()
        heard(imp_here, other[0], *GPC)
    else:
        heard(imp_here, other[0], *GPC)
        imp_here("consent", "signal", "link", *other).ok()
    assert asked(ANN, "ads.sale") == "signal"
    heard(imp_here, other[0], *GPC)
    clock.move_to(clock.now_us() + 1_000_000)
    give(ANN, "ads.sale", informed=True)
    clock.move_to(clock.now_us() + 1_000_000)
    for tab in (TAB, other[0]):
        heard(imp_here, tab, *GPC)
    assert asked(ANN, "ads.sale") == "permitted", "of both now"
    assert [entry.statement.type for entry in entries(ANN)].count("signal") == 2


def test_r43_the_flag_opt_out_signal_honoured_can_be_read_for_display(imp_here: Cli, us: Context) -> None:
    nobody = imp_here("consent", "signal", "status", TAB, "--json").ok().json
    assert (nobody["honoured"], nobody["since"]) == (False, None)
    heard(imp_here, TAB, *GPC, "--link", ANN)
    size = open_log(us).size
    for word in (TAB, ANN):
        found = imp_here("consent", "signal", "status", word, "--json").ok().json
        assert found == {
            "honoured": True,
            "since": "2026-03-01T12:00:00Z",
            "signals": ["gpc"],
            "closes": ["sale", "sharing", "targeted-advertising"],
            "ask_again_after": "2027-03-01T12:00:00Z",
            "tell_recipients_by": "2026-03-20T12:00:00Z",
        }
    shown = imp_here("consent", "signal", "status", TAB).ok().out
    assert shown.startswith("opt-out signal honoured: gpc since 2026-03-01T12:00:00Z; no sale, sharing")
    assert open_log(us).size == size, "reading it leaves no entry"


@pytest.mark.parametrize("raw", ["0", "", "true"])
def test_r44_a_signal_that_disappears_takes_nothing_back(
    imp_here: Cli, clock: SimulatedClock, give: Callable[..., None], asked: Callable[..., str], raw: str
) -> None:
    give(TAB, "ads.sale")
    heard(imp_here, TAB, *GPC)
    clock.move_to(clock.now_us() + 400 * DAY_US)
    heard(imp_here, TAB, "--kind", "gpc", "--raw", raw, "--channel", "web")
    give(TAB, "ads.sale")
    assert asked(TAB, "ads.sale") == "signal"
    assert imp_here("consent", "signal", "status", TAB, "--json").ok().json["honoured"] is True


def test_r44_an_absent_signal_is_no_entry(imp_here: Cli, us: Context) -> None:
    size = open_log(us).size
    done = heard(imp_here, TAB, "--kind", "gpc", "--raw", "", "--channel", "web")
    assert (done["nothing"], done["recorded"], open_log(us).size) == (1, 0, size)


def test_r45_both_clocks_of_an_opt_out_are_recorded_and_the_recipients_one_is_a_request(
    imp_here: Cli, us: Context, entries: Entries, system: Callable[[str], list[dict[str, Any]]]
) -> None:
    heard(imp_here, TAB, *GPC, "--link", ANN)
    for word in (TAB, ANN):
        signal = next(one for one in entries(word) if one.statement.type == "signal")
        # 15 business days from Sunday 1 March 2026, and twelve months
        assert signal.payload["clocks"] == {
            "tell_recipients_by": "2026-03-20T12:00:00Z", "ask_again_after": "2027-03-01T12:00:00Z",
        }  # fmt: skip
    (request,) = system("request")
    assert (request["kind"], request["regime"]) == ("opt-out", ["us-ca"])
    own = next(one for one in entries(TAB) if one.statement.type == "request")
    assert own.payload["request"] == request["id"]
    listed = json.dumps(imp_here("consent", "requests", "list", "--json").ok().json)
    assert request["id"] in listed


def test_a_law_that_names_no_signal_starts_no_clock_and_the_signal_is_honoured_all_the_same(
    imp_here: Cli, shop: Context, system: Callable[[str], list[dict[str, Any]]], entries: Entries
) -> None:
    heard(imp_here, TAB, *GPC)
    (entry,) = entries(TAB)
    assert entry.statement.traits == ("sale", "sharing", "targeted-advertising")
    assert ("clocks" in entry.payload, system("request")) == (False, [])


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("tcf", "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"),
        ("tcf", "garbage!"),
        ("gpp", "DBABMA~CPXxRfAPXxRfAAfKABENB"),
        ("gpp", "\x00\x01"),
        ("gpc", "2"),
        ("tcf", "C" * 9_000),
    ],
)
def test_r48_a_string_that_is_not_read_to_the_end_is_kept_as_an_invalid_signal_and_opens_nothing(
    imp_here: Cli, give: Callable[..., None], asked: Callable[..., str], entries: Entries, kind: str, raw: str
) -> None:
    give(TAB, "ads.count")
    before = [asked(TAB, name) for name in ("ads.sale", "ads.count", "analytics")]
    assert before == ["no_record", "permitted", "no_record"] or before[0] != "permitted"
    done = heard(imp_here, TAB, "--kind", kind, f"--raw={raw}", "--channel", "web")
    assert (done["recorded"], done["invalid"]) == (1, 1)
    entry = entries(TAB)[-1]
    string: Any = entry.payload["string"]
    assert (entry.statement.type, string["valid"], string["decoded"]) == ("signal", False, None)
    assert raw.startswith(string["raw"])
    assert [asked(TAB, name) for name in ("ads.sale", "ads.count", "analytics")] == before, "it changes no answer"
    assert imp_here("consent", "signal", "status", TAB, "--json").ok().json["honoured"] is False
    imp_here("audit", "verify").ok()


def test_r49_consent_mode_is_granted_only_where_the_ledger_holds_the_purposes(
    imp_here: Cli, us: Context, give: Callable[..., None]
) -> None:
    with (us.workspace.root / "imp.toml").open("a", encoding="utf-8") as file:
        file.write(
            '\n[signals.consent_mode]\nad_user_data = ["ads.sale", "ads.share"]\nad_personalization = ["ads.x"]\n'
        )
        file.write('ad_storage = ["ads.count"]\n')
    us.reload_workspace()

    def states(word: str) -> dict[str, str]:
        text = imp_here("consent", "signal", "consent-mode", word, "--channel", "web").ok().out
        return {name for name, state in json.loads(text).items() if state == "granted"}  # type: ignore[return-value]

    assert states(ANN) == set()
    give(ANN, "ads.sale", "ads.count")
    assert states(ANN) == {"ad_storage"}, "one of two purposes is not enough, and an unknown one never is"
    give(ANN, "ads.share")
    assert states(ANN) == {"ad_storage", "ad_user_data"}
    heard(imp_here, ANN, *GPC)
    assert states(ANN) == {"ad_storage"}


def test_r49_a_ledger_that_cannot_be_read_exports_denied_alone(imp_here: Cli, us: Context) -> None:
    us.workspace.database.write_bytes(b"not a database")
    answer = imp_here("consent", "signal", "consent-mode", ANN)
    assert set(json.loads(answer.out).values()) == {"denied"}
    assert "everything is denied" in answer.err


@pytest.mark.parametrize("text", ["STOP", "Stop!!", "退订", "unsubscribe", "ＴＤ"])  # noqa: RUF001 (full-width, as phones write it)
def test_r52_a_reply_that_says_stop_withdraws_for_the_channel_and_no_other(
    imp_here: Cli, give: Callable[..., None], asked: Callable[..., str], entries: Entries, text: str
) -> None:
    phone = "phone:+16505551212"
    give(phone, "ads.count")
    done = heard(imp_here, phone, "--kind", "reply", "--raw", text, "--channel", "sms")
    assert (done["recorded"], done["mentions"]) == (1, [])
    assert asked(phone, "ads.count", "sms") == "channel_opt_out"
    assert asked(phone, "ads.count", "email") == "permitted"
    last = entries(phone)[-1]
    assert (last.statement.type, last.statement.channel, last.payload["signal"]) == ("withdraw", "sms", "reply")


def test_r52_a_reply_that_only_mentions_a_word_withdraws_nothing_and_is_shown_for_somebody_to_read(
    imp_here: Cli, give: Callable[..., None], asked: Callable[..., str]
) -> None:
    phone = "phone:+16505551212"
    give(phone, "ads.count")
    words = ("--kind", "reply", "--raw", "When does the sale end?", "--channel", "sms")
    assert heard(imp_here, phone, *words)["mentions"] == [1]
    shown = imp_here("consent", "signal", "record", phone, *words).ok().out
    assert ("replies to be read" in shown, "sale" in shown) == (True, False)
    assert asked(phone, "ads.count", "sms") == "permitted"


def test_r52_words_and_the_purpose_they_end_are_the_companys_to_configure(
    imp_here: Cli, us: Context, give: Callable[..., None], asked: Callable[..., str]
) -> None:
    with (us.workspace.root / "imp.toml").open("a", encoding="utf-8") as file:
        file.write('\n[signals]\nopt_out_words = ["fertig"]\nopt_out_purpose = "ads.count"\n')
    phone = "phone:+16505551212"
    give(phone, "ads.count", "ads.sale")
    heard(imp_here, phone, "--kind", "reply", "--raw", "Fertig!", "--channel", "sms")
    assert asked(phone, "ads.count", "sms") == "channel_opt_out"
    assert asked(phone, "ads.sale", "sms") == "permitted"


def test_a_bounce_is_a_signal_of_its_channel_and_no_withdrawal(
    imp_here: Cli, give: Callable[..., None], asked: Callable[..., str], entries: Entries
) -> None:
    mail = "email:ann@example.com"
    give(mail, "ads.count")
    heard(imp_here, mail, "--kind", "bounce", "--channel", "email")
    assert (asked(mail, "ads.count", "email"), asked(mail, "ads.count", "sms")) == ("signal", "permitted")
    assert [one.statement.type for one in entries(mail)] == ["grant", "signal"]


@pytest.mark.parametrize(
    "options",
    [
        ("--kind", "fax", "--channel", "web"),
        ("--kind", "stop", "--channel", "nowhere"),
        ("--kind", "gpc", "--raw", "1", "--channel", "wbe"),
        ("--kind", "bounce", "--channel", "emial"),
        ("--kind", "stop", "--channel", "web", "--purpose", "nothing"),
        ("--kind", "stop", "--channel", "web", "--at", "2030-01-01T00:00:00Z"),
        ("--kind", "gpc", "--raw", "1", "--channel", "web", "--link", "tab"),
        ("--kind", "gpc", "--raw", "1", "--channel", "web", "--link", TAB),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_recorded(
    imp_here: Cli, us: Context, options: tuple[str, ...]
) -> None:
    size = open_log(us).size
    answer = imp_here("consent", "signal", "record", TAB, *options)
    assert (answer.code, "tab-1" in answer.err, open_log(us).size) == (2, False, size)
