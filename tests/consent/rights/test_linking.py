"""`imp consent link` and `unlink`: a wrong address leads nowhere any more, and a no outlives it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from imp_consent.audit.verify import Verification
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.event import RawId

Line = Any
OLD, NEW = "email:ann@example.com", "email:ann@example.org"
VERIFIED = ("--verified", "reasonable", "--how", "logged in")


def reason(shop: Line, who: str) -> str:
    return str(shop("consent", "check", who, "--purpose", "analytics", "--json").json["reason"])


def test_r35_a_wrong_identifier_is_replaced_and_no_gate_reads_it(
    shop: Line, context: Context, verified: Callable[[], Verification]
) -> None:
    shop("consent", "link", OLD, NEW, *VERIFIED).ok()
    assert (reason(shop, OLD), reason(shop, NEW)) == ("given", "given")
    shop("consent", "unlink", OLD, *VERIFIED).ok()
    assert (reason(shop, OLD), reason(shop, NEW)) == ("no_record", "given")
    with open_log(context).read() as reader:
        subject = reader.find_subject(RawId.parse(NEW))
        assert subject is not None
        history = reader.history(subject)
    kinds = [(e.statement.type, e.payload.get("identifier_kind")) for e in history if e.statement.type != "request"]
    assert kinds == [("grant", None), ("link", "email"), ("unlink", "email")]
    assert not any(word in str([e.payload for e in history]) for word in ("ann@", "example.org"))
    verified()


def test_what_somebody_said_no_to_outlives_the_address_it_was_said_by(
    shop: Line, tmp_path: Path, verified: Callable[[], Verification]
) -> None:
    shop("consent", "link", OLD, NEW, *VERIFIED).ok()
    shop("consent", "record", OLD, "--purpose", "analytics", "--state", "withdrawn").ok()
    done = shop("consent", "unlink", OLD, "--json", *VERIFIED).ok().json
    assert done["kept_out"] is True
    path = tmp_path / "old.csv"
    path.write_text(f"identifier,purpose,state,at\n{OLD},analytics,given,2026-02-01T00:00:00Z\n")
    assert shop("consent", "import", path, "--json").ok().json["suppressed"] == 1
    assert reason(shop, NEW) == "withdrawn"
    verified()


def test_the_last_identifier_of_somebody_is_not_unlinked(shop: Line) -> None:
    answer = shop("consent", "unlink", OLD, *VERIFIED)
    assert (answer.code, "the only identifier" in answer.err) == (1, True)
    assert reason(shop, OLD) == "given"


def test_an_identifier_of_somebody_else_or_of_somebody_erased_is_not_linked(shop: Line, context: Context) -> None:
    size = open_log(context).size
    assert shop("consent", "link", OLD, "member:ben", *VERIFIED).code == 1
    assert shop("consent", "link", "member:nobody", NEW, *VERIFIED).code == 1
    assert shop("consent", "link", OLD, *VERIFIED).code == 2
    assert shop("consent", "link", OLD, NEW).code == 1, "not verified"
    assert shop("consent", "unlink", OLD).code == 1, "not verified"
    assert open_log(context).size == size
    shop("consent", "erase", "member:ben", "--execute").ok()
    answer = shop("consent", "link", OLD, "member:ben", *VERIFIED)
    assert (answer.code, "erased" in answer.err) == (1, True)


def test_both_identifiers_can_come_by_standard_input(shop: Line) -> None:
    shop("consent", "link", "-", *VERIFIED, input=f"{OLD}\n{NEW}\n").ok()
    assert reason(shop, NEW) == "given"


def test_r32_history_tells_a_person_of_links_and_guardians_without_naming_either(shop: Line, context: Context) -> None:
    tab = "device:tab-1"
    shop("consent", "signal", "record", tab, "--kind", "gpc", "--raw", "1", "--channel", "web", "--link", OLD).ok()
    words = ("--guardian", NEW, "--role", "parent", "--verification", "ID")
    shop("consent", "guardian", OLD, *words).ok()
    with open_log(context).read() as reader:
        found = {word: reader.find_subject(RawId.parse(word)) for word in (OLD, tab)}
        ann = reader.history(found[OLD] or 0)
    held = [entry.payload for entry in ann if entry.statement.type in {"link", "guardian"}]
    assert held[0]["from"] == f"{found[tab]:016x}"
    guardian = str(held[1]["guardian"])
    for word in (OLD, tab):
        told = shop("consent", "history", word, "--json").ok()
        assert {entry["type"] for entry in told.json["entries"]} >= {"link", "signal"}
        assert all(entry["envelope"]["actor"] for entry in told.json["entries"]), (
            "who recorded it is no other person of it"
        )
        for other in (*found.values(), guardian):
            written = (f"{other:016x}", str(other)) if isinstance(other, int) else (other,)
            assert not any(one in told.out for one in written)


def law_of(context: Context, who: str, type_: str) -> list[Any]:
    with open_log(context).read() as reader:
        history = reader.history(reader.find_subject(RawId.parse(who)) or 0)
    return [(e.payload["regimes"], e.payload["jurisdiction"]) for e in history if e.statement.type == type_]


def test_a_link_is_noted_under_the_law_of_the_persons_entries_not_of_the_workspace(
    shop: Line, context: Context
) -> None:
    words = ("--purpose", "analytics", "--state", "given", "--action", "click")
    shop("consent", "record", "member:zhang", *words, "--regime", "cn-pipl", "--jurisdiction", "CN").ok()
    shop("consent", "link", "member:zhang", "email:zhang@example.com", *VERIFIED).ok()
    assert law_of(context, "member:zhang", "link") == [(["cn-pipl"], "CN")]
    assert law_of(context, "member:zhang", "request") == [(["cn-pipl"], "CN")]
    told = ("--regime", "gdpr", "--jurisdiction", "FR")
    shop("consent", "link", "member:zhang", "email:zhang@example.org", *VERIFIED, *told).ok()
    assert law_of(context, "member:zhang", "link")[-1] == (["gdpr"], "FR")


def test_r25_what_a_device_takes_back_by_a_link_is_taken_back_under_the_persons_own_law(
    shop: Line, context: Context, verified: Callable[[], Verification]
) -> None:
    chinese = ("--regime", "cn-pipl", "--jurisdiction", "CN")
    shop(
        "consent", "record", "member:zhang", "--purpose", "analytics", "--state", "given", "--action", "click", *chinese
    ).ok()
    shop("consent", "purpose", "change", "analytics", "--trait", "targeted-advertising").ok()
    tab = "device:tab-9"
    shop("consent", "signal", "record", tab, "--kind", "gpc", "--raw", "1", "--channel", "web").ok()
    shop("consent", "signal", "link", tab, "member:zhang").ok()
    assert law_of(context, "member:zhang", "withdraw") == [(["cn-pipl"], "CN")]
    tasks = [line["task"] for line in shop("consent", "requests", "list", "--json").ok().json["requests"]]
    assert "withdrawal" in tasks, "the person's law opens an erasure by itself"
    verified()


def envelopes(context: Context, who: str) -> list[tuple[str, str]]:
    """The type of each of somebody's entries, and all that its envelope says."""
    with open_log(context).read() as reader:
        history = reader.history(reader.find_subject(RawId.parse(who)) or 0)
    return [(entry.statement.type, str(dict(entry.payload))) for entry in history]


def subject_of(context: Context, who: str) -> str:
    with open_log(context).read() as reader:
        return f"{reader.find_subject(RawId.parse(who)):016x}"


def test_r29_an_erased_persons_number_is_in_no_entry_of_a_device_they_used(
    shop: Line, context: Context, verified: Callable[[], Verification]
) -> None:
    tab, other = "device:tab-1", "device:tab-2"
    shop("consent", "signal", "record", tab, "--kind", "gpc", "--raw", "1", "--channel", "web", "--link", OLD).ok()
    shop("consent", "signal", "link", other, OLD).ok()
    shop("consent", "signal", "link", other, OLD, "--end").ok()
    shop("consent", "signal", "link", other, "member:ben").ok()
    number, bens = subject_of(context, OLD), subject_of(context, "member:ben")
    held = {device: envelopes(context, device) for device in (tab, other)}
    assert [sum(number in said for _, said in held[device]) for device in (tab, other)] == [1, 2]
    shop("consent", "erase", OLD, "--execute").ok()
    for device in (tab, other):
        now = envelopes(context, device)
        types = [type_ for type_, _ in held[device]]
        assert [type_ for type_, _ in now][: len(types)] == types, "that there was a link stays"
        assert not any(number in said for _, said in now)
    assert sum(bens in said for _, said in envelopes(context, other)) == 1, "who is not erased is linked still"
    shop("consent", "signal", "record", other, "--kind", "gpc", "--raw", "1", "--channel", "web").ok()
    assert "signal" in [type_ for type_, _ in envelopes(context, "member:ben")]
    verified()


def test_r29_an_erased_devices_number_is_in_no_entry_of_the_people_who_used_it(
    shop: Line, context: Context, verified: Callable[[], Verification]
) -> None:
    tab = "device:tab-1"
    shop("consent", "signal", "record", tab, "--kind", "gpc", "--raw", "1", "--channel", "web", "--link", OLD).ok()
    number = subject_of(context, tab)
    assert sum(number in said for _, said in envelopes(context, OLD)) == 2, "the link, and the signal that came by it"
    before = shop("consent", "check", OLD, "--purpose", "analytics", "--json").json
    shop("consent", "erase", tab, "--execute").ok()
    assert not any(number in said for _, said in envelopes(context, OLD))
    assert shop("consent", "check", OLD, "--purpose", "analytics", "--json").json == before
    assert shop("consent", "signal", "status", OLD, "--json").ok().json["honoured"] is True
    verified()
