"""Who hears of a withdrawal: channels that declare it by `imp consent tell`, recipients by people; none can undo it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands.record import record
from imp_consent.identity.pseudonym import channel_pseudonym
from imp_consent.ledger.entry import Statement
from imp_consent.plane import passing_on
from imp_consent.plane.remove import request_erasure
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SimulatedClock, format_time
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.ports import Json

Line = Any
Settings = Callable[..., None]
EMAIL = "marketing.email"


@pytest.fixture
def shop(line: Line, settings: Settings, clock: SimulatedClock) -> Line:
    """Five people permit e-mail and analytics; e-mail goes by way of Mail Ltd, which is no channel."""
    settings()
    add_purpose(line, "marketing.post", "We write to you by way of Mail Ltd.", "direct-marketing", "Mail Ltd")
    for who in range(5):
        say(line, who, EMAIL, "given")
        say(line, who, "analytics", "given")
    clock.move_to(clock.now_us() + DAY_US)
    return line


def add_purpose(line: Line, name: str, description: str, trait: str, recipient: str) -> None:
    words = ("--description", description, "--trait", trait, "--recipient", recipient)
    line("consent", "purpose", "add", name, *words).ok()
    path = line.workspace.parent / f"{name}.txt"
    path.write_text(f"Shop asks for {name}: {description}\n\nYou can withdraw at any time: shop.example/no\n")
    line("consent", "notice", "add", str(path), "--name", name, "--purpose", name, "--recipient", recipient).ok()


def say(line: Line, who: int, purpose: str, state: str, *words: str) -> Any:
    return line("consent", "record", f"member:{who}", "--purpose", purpose, "--state", state, *words).ok()


def recipients(line: Line) -> list[tuple[str, str, str | None, int]]:
    found = line("consent", "recipients", "list", "--json").ok().json["recipients"]
    return [(one["recipient"], one["what"], one["purpose"], one["people"]) for one in found]


def answers(line: Line) -> list[dict[str, Any]]:
    """What the log says of who was told."""
    entries = line("audit", "entries", "--type", "answer", "--json").ok().json["entries"]
    return [entry["fields"] for entry in entries if "recipient" in entry["fields"]]


def test_r08_a_channel_that_declares_it_is_called_for_every_withdrawal_of_its_purposes(
    shop: Line, told: Callable[[], list[list[str]]], context: Context
) -> None:
    say(shop, 1, EMAIL, "withdrawn")
    say(shop, 2, "analytics", "withdrawn")  # no purpose of the stranger's
    shop("consent", "object", "member:3").ok()
    assert told() == [], "nobody is called while the no is written"
    done = shop("consent", "tell", "--json").ok().json["channels"]
    assert [(one["channel"], one["what"], one["purpose"], one["told"], one["due"]) for one in done] == [
        ("acme", "withdrawn", EMAIL, 2, 0)
    ]
    log = open_log(context)
    with log.read() as reader:
        people = [reader.find_subject(RawId.parse(f"member:{who}")) for who in (1, 3)]
    secret = log.keyring.active("channel").secret
    names = {channel_pseudonym(secret, "acme", subject).hex() for subject in people if subject is not None}
    assert {handle for handle, _, _ in told()} == names
    assert {purpose for _, _, purpose in told()} == {EMAIL}
    assert answers(shop) == [{"recipient": "acme", "what": "withdrawn", "purpose": EMAIL, "counts": {"accepted": 2}}]
    assert shop("consent", "tell").ok().out == "nobody has to be told anything\n"
    assert len(told()) == 2


@pytest.mark.parametrize("how", ["broken", "gone", "others", "nothing", "half_of_none"])
def test_r08_a_plugin_that_fails_undoes_no_withdrawal_and_is_called_again(
    shop: Line, settings: Settings, told: Callable[[], list[list[str]]], how: str
) -> None:
    settings(withdrawn=how)
    say(shop, 1, EMAIL, "withdrawn")
    failed = shop("consent", "tell")
    assert failed.code == 1
    assert "acme, end of permission for marketing.email: told of 0 people, 1 due" in failed.out
    assert "@example.com" not in failed.out + failed.err
    assert shop("consent", "check", "member:1", "--purpose", EMAIL).code == 1
    settings()
    shop("consent", "tell").ok()
    assert len({key for _, key, _ in told()}) == 1, "the same key, so that it can tell that it heard it before"
    assert shop("audit", "verify").code == 0


def test_r08_word_waits_for_a_plugin_that_cannot_be_loaded(
    shop: Line, told: Callable[[], list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("stranger_acme_outside.plugin.Acme", None)
        say(shop, 1, EMAIL, "withdrawn")
    shop("consent", "tell").ok()
    assert [purpose for _, _, purpose in told()] == [EMAIL]


@pytest.mark.parametrize("code", ["raise RuntimeError('ann@example.com')", "import time; time.sleep(60)"])
def test_r08_what_an_enabled_channel_does_when_it_is_imported_holds_up_no_withdrawal_and_no_yes(
    shop: Line, told: Callable[[], list[list[str]]], context: Context, at_import: Callable[[str], None], code: str
) -> None:
    at_import(code)
    done = record(context, RawId.parse("member:1"), purpose=EMAIL, state="withdrawn")
    record(context, RawId.parse("member:2"), purpose=EMAIL, state="given")
    assert not [name for name in sys.modules if name.startswith("stranger_acme_outside")], "nothing of it is imported"
    with open_log(context).read() as reader:
        assert [(row[1], row[3]) for row in reader.sealed.select("outbox")] == [("acme", f"withdrawn {EMAIL}")]
    assert done.state == "withdrawn"
    at_import("")
    shop("consent", "tell").ok()
    assert [purpose for _, _, purpose in told()] == [EMAIL], "it waited there until it could be told"


@pytest.mark.parametrize("found", [None, b"[plugin]\nnot = 'a manifest'\n"], ids=["lost", "another document"])
def test_r08_word_waits_for_a_channel_whose_manifest_the_ledger_does_not_hold(
    shop: Line, told: Callable[[], list[list[str]]], context: Context, found: bytes | None
) -> None:
    pinned = context.workspace.plugin_pins["acme"]["manifest_sha256"]
    sha256 = hashlib.sha256(found or b"never kept").hexdigest()
    if found is not None:
        with open_log(context).write() as transaction:
            transaction.append_system("policy", {"note": "of something else"}, documents=[found])
    path = shop.workspace / "imp.toml"
    text = path.read_text()
    path.write_text(text.replace(pinned, sha256))
    context.reload_workspace()
    record(context, RawId.parse("member:1"), purpose=EMAIL, state="withdrawn")
    path.write_text(text)
    context.reload_workspace()
    shop("consent", "tell").ok()
    assert [purpose for _, _, purpose in told()] == [EMAIL]


@pytest.mark.parametrize(
    ("key", "entry", "purpose", "left"),
    [
        ("", {}, EMAIL, True),
        ("", {}, "analytics", False),  # no purpose of its
        ("withdrawals = false", {}, EMAIL, False),
        ("", {"withdrawals": False}, EMAIL, False),
    ],
    ids=["kept before the key", "of another purpose", "it says so", "its enabling says so"],
)
def test_r08_word_is_left_for_a_channel_enabled_before_manifests_said_whether_it_hears(
    shop: Line,
    told: Callable[[], list[list[str]]],
    context: Context,
    key: str,
    entry: dict[str, bool],
    purpose: str,
    left: bool,
) -> None:
    now = context.workspace.plugin_pins["acme"]["manifest_sha256"]
    with open_log(context).write() as transaction:
        older = transaction.document(now).decode().replace("withdrawals = true", key).encode()
        sha256 = hashlib.sha256(older).hexdigest()
        fields: dict[str, Json] = {
            "name": "acme",
            "version": "0.9",
            "enabled": True,
            "manifest_sha256": sha256,
            **entry,
        }
        transaction.append_system("plugin-enable", fields, documents=[older])
    path = shop.workspace / "imp.toml"
    text = path.read_text()
    path.write_text(text.replace(now, sha256))
    context.reload_workspace()
    record(context, RawId.parse("member:1"), purpose=purpose, state="withdrawn")
    path.write_text(text)
    context.reload_workspace()
    shop("consent", "tell").ok()
    assert [purpose for _, _, purpose in told()] == [EMAIL] * left


def test_r08_a_channel_whose_manifest_does_not_ask_hears_of_no_withdrawal(shop: Line, context: Context) -> None:
    shop("plugin", "enable", "file").ok()  # whatever its purposes are: it does not ask to hear
    record(context, RawId.parse("member:1"), purpose="analytics", state="withdrawn")
    with open_log(context).read() as reader:
        assert list(reader.sealed.select("outbox")) == []


def test_a_second_no_to_what_is_closed_already_is_told_to_nobody_and_one_after_a_yes_is(
    shop: Line, told: Callable[[], list[list[str]]]
) -> None:
    for _ in range(3):
        say(shop, 1, EMAIL, "withdrawn")
    shop("consent", "tell").ok()
    assert len(told()) == 1
    say(shop, 1, EMAIL, "withdrawn")
    say(shop, 99, EMAIL, "refused")  # who never permitted anything
    assert shop("consent", "tell").ok().out == "nobody has to be told anything\n"
    say(shop, 1, EMAIL, "given")
    say(shop, 1, EMAIL, "withdrawn")
    shop("consent", "tell").ok()
    assert len(told()) == 2


def test_a_no_on_a_channel_of_others_is_told_to_nobody_and_one_on_its_own_is(
    shop: Line, told: Callable[[], list[list[str]]]
) -> None:
    say(shop, 1, EMAIL, "withdrawn", "--channel", "sms")
    assert shop("consent", "tell").ok().out == "nobody has to be told anything\n"
    say(shop, 2, EMAIL, "withdrawn", "--channel", "acme")
    shop("consent", "tell").ok()
    assert len(told()) == 1


def test_r45_a_full_withdrawal_after_a_no_on_one_channel_is_passed_on(shop: Line) -> None:
    say(shop, 1, "marketing.post", "given")
    say(shop, 1, "marketing.post", "withdrawn", "--channel", "email")
    assert recipients(shop) == []
    say(shop, 1, "marketing.post", "withdrawn")
    assert recipients(shop) == [("Mail Ltd", "opt-out", "marketing.post", 1)]


def test_r08_a_full_withdrawal_after_a_no_on_one_channel_is_told_to_the_others(
    shop: Line, told: Callable[[], list[list[str]]]
) -> None:
    say(shop, 1, EMAIL, "withdrawn", "--channel", "email")
    say(shop, 2, EMAIL, "withdrawn")
    say(shop, 2, EMAIL, "withdrawn", "--channel", "acme")  # closed there already
    say(shop, 1, EMAIL, "withdrawn", "--channel", "sms")
    say(shop, 1, EMAIL, "withdrawn")
    shop("consent", "tell").ok()
    assert len({handle for handle, _, _ in told()}) == len(told()) == 2


def test_r45_an_objection_after_one_that_was_lifted_is_passed_on_again_and_one_that_stands_is_not(
    shop: Line, clock: SimulatedClock
) -> None:
    who, fraud = "member:1", ("--purpose", "fraud")

    def later(*words: str) -> None:
        clock.move_to(clock.now_us() + DAY_US)
        shop("consent", *words).ok()

    def told_of() -> list[tuple[str, str, str | None, int]]:
        found = recipients(shop)
        for _ in found:
            shop("consent", "recipients", "done", "Checkers", "--what", "opt-out", *fraud).ok()
        return found

    add_purpose(shop, "fraud", "We look for fraud by way of Checkers.", "profiling", "Checkers")
    grounds = ("--ground", "assessment=file 7", "--ground", "notice=shown")
    later("basis", who, *fraud, "--basis", "legitimate-interest", "--evidence", "file 7", *grounds)
    later("object", who, *fraud)
    assert told_of() == [("Checkers", "opt-out", "fraud", 1)]
    later("lift", who, "--of", "object", *fraud, "--grounds", "file 8")
    later("check", who, *fraud)
    later("object", who, *fraud)
    assert told_of() == [("Checkers", "opt-out", "fraud", 1)]
    later("object", who, *fraud)
    assert told_of() == [], "it stands already"
    later("object", who, "--purpose", "analytics")
    later("lift", who, "--of", "object", "--purpose", "analytics", "--grounds", "file 9")
    later("object", who, *fraud)
    assert told_of() == [], "what was lifted is about another purpose"


def test_a_channel_of_no_such_capability_hears_of_nothing(shop: Line) -> None:
    say(shop, 1, "analytics", "withdrawn")
    assert shop("consent", "tell", "--dry-run").ok().out == "nobody has to be told anything\n"


def test_r45_recipients_are_listed_for_an_opt_out_until_somebody_told_them(shop: Line, clock: SimulatedClock) -> None:
    for who in range(3):
        say(shop, who, "marketing.post", "given")
    say(shop, 0, "marketing.post", "withdrawn")
    say(shop, 1, "*", "withdrawn")
    shop("consent", "object", "member:2").ok()
    assert recipients(shop) == [("Mail Ltd", "opt-out", "marketing.post", 3)]
    assert "Mail Ltd: opt-out from marketing.post of 3 people, due " in shop("consent", "recipients", "list").ok().out
    say(shop, 0, "marketing.post", "withdrawn")
    assert recipients(shop)[0][-1] == 3, "one that said it twice"
    clock.move_to(clock.now_us() + 40 * DAY_US)
    assert shop("consent", "recipients", "list", "--check").code == 1
    done = ("consent", "recipients", "done", "Mail Ltd", "--what", "opt-out")
    assert shop(*done).code == 2, "of which purpose"
    assert shop(*done, "--purpose", EMAIL).code == 1
    shop(*done, "--purpose", "marketing.post").ok()
    assert recipients(shop) == []
    assert answers(shop) == [
        {"recipient": "Mail Ltd", "what": "opt-out", "purpose": "marketing.post", "counts": {"told": 3}}
    ]
    assert shop("audit", "verify").code == 0


def test_r45_in_california_recipients_are_to_be_told_within_fifteen_business_days(
    shop: Line, clock: SimulatedClock
) -> None:
    law = ("--regime", "us-ca", "--jurisdiction", "US-CA")
    add_purpose(shop, "selling", "We sell your data to Ads Inc.", "sale", "Ads Inc")
    say(shop, 1, "selling", "given", *law)
    shop("consent", "signal", "record", "member:1", "--kind", "gpc", "--raw", "1", "--channel", "web", *law).ok()
    found = shop("consent", "recipients", "list", "--json").ok().json["recipients"]
    ((name, purpose, due),) = [(one["recipient"], one["purpose"], one["due"]) for one in found]
    assert (name, purpose) == ("Ads Inc", "selling")
    assert due == "2026-03-23T12:00:00Z", format_time(clock.now_us())


def test_r45_an_import_of_many_withdrawals_leaves_word_of_each_once(shop: Line, tmp_path: Path) -> None:
    path = tmp_path / "said.csv"
    rows = [f"member:{who},marketing.post,given,2026-02-01T09:00:00Z" for who in range(30)]
    rows += [f"member:{who},marketing.post,withdrawn,2026-02-0{day}T09:00:00Z" for day in (2, 3) for who in range(30)]
    path.write_text("\n".join(["identifier,purpose,state,at", *rows]))
    shop("consent", "import", str(path)).ok()
    assert recipients(shop) == [("Mail Ltd", "opt-out", "marketing.post", 30)]


def test_an_erasure_leaves_what_was_to_be_told_before_and_names_the_rest(shop: Line) -> None:
    say(shop, 1, "marketing.post", "given")
    say(shop, 1, "marketing.post", "withdrawn")
    shop("consent", "erase", "member:1", "--execute").ok()
    assert ("Mail Ltd", "erase", None, 1) in recipients(shop)
    assert shop("audit", "verify").code == 0


def test_a_channel_that_forgot_somebody_is_not_told_their_handle_again(
    shop: Line, told: Callable[[], list[list[str]]], context: Context
) -> None:
    say(shop, 1, EMAIL, "withdrawn")
    say(shop, 2, EMAIL, "withdrawn")
    log = open_log(context)
    with log.read() as reader:
        subject = reader.find_subject(RawId.parse("member:1"))
    assert subject is not None
    handle = channel_pseudonym(log.keyring.active("channel").secret, "acme", subject).hex()
    shop("consent", "erase", "member:1", "--execute").ok()
    shop("consent", "tell").ok()
    assert [line[2:] for line in told() if line[0] == handle] == [[]], "to forget them, and nothing after it"
    assert [line[2:] for line in told() if line[0] != handle] == [[EMAIL]], "of whom is left it hears"
    assert shop("audit", "verify").code == 0


def test_a_no_said_while_an_erasure_is_under_way_leaves_no_other_word(shop: Line, context: Context) -> None:
    log = open_log(context)
    say(shop, 1, "marketing.post", "given")
    with log.read() as reader:
        subject = reader.find_subject(RawId.parse("member:1"))
    assert subject is not None
    request_erasure(log, [subject], {}, channels=["acme"])
    for purpose in (EMAIL, "marketing.post"):
        say(shop, 1, purpose, "withdrawn")
    with log.read() as reader:
        assert {row[3] for row in reader.sealed.select("outbox")} == {"forget"}


def test_r45_a_no_names_whoever_uses_name_and_one_that_closes_nothing_reads_no_uses(
    shop: Line, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(context)

    def use(type_: str, purpose: str, **more: Json) -> None:
        with log.write() as transaction:
            transaction.append_system(type_, {"purpose": purpose, "channel": "", **more})

    def no(who: int, type_: str = "withdraw") -> None:
        with log.write() as transaction:
            subject = transaction.subject_for(RawId.parse(f"member:{who}"))
            said = Statement(type=type_, purpose="analytics", channel="", at_us=transaction.now_us)
            transaction.append_person(subject, said, {})

    def named() -> dict[str, int]:
        return {name: people for name, _, purpose, people in recipients(shop) if purpose == "analytics"}

    use("use-open", "analytics", recipient='数 "Lab" Ltd')
    use("use-open", "analytics")
    use("answer", "analytics", recipient="Told Ltd")
    use("export", EMAIL, recipient="Post Ltd")
    no(0)
    assert named() == {'数 "Lab" Ltd': 1}
    use("export", "analytics", recipient="Late Ltd")
    no(1)
    assert named() == {'数 "Lab" Ltd': 2, "Late Ltd": 1}, "what came since is read as well"
    with pytest.raises(RuntimeError), log.write() as transaction:
        transaction.append_system("use-open", {"purpose": "analytics", "recipient": "Never Ltd"})
        subject = transaction.subject_for(RawId.parse("member:2"))
        said = Statement(type="withdraw", purpose="analytics", channel="", at_us=transaction.now_us)
        transaction.append_person(subject, said, {})
        raise RuntimeError
    no(2)
    assert named() == {'数 "Lab" Ltd': 3, "Late Ltd": 2}, "nor what was taken back"
    monkeypatch.setattr(passing_on, "users_named", None)
    monkeypatch.setattr(passing_on, "words_left", None)
    no(2)
    no(77, "refuse")
    no(77)
