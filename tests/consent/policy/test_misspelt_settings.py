"""A misspelt setting of `imp.toml` is no other law in silence: no yes is taken until it is mended, and every no is."""

from __future__ import annotations

from typing import Any

import pytest

from imp_core.context import Context
from imp_core.errors import BadInput

Line = Any
WHO = "member:mei"
GIVE = ("consent", "record", WHO, "--purpose", "analytics", "--state", "given", "--notice", "default")
# As it stands in the file; where that is, and what it was meant to be.
MISSPELT = {
    'regims = ["cn-pipl"]': ("imp.toml, [policy] regims", "did you mean regimes"),
    "evidence = 1095": ("imp.toml, [policy] evidence", "did you mean [retention] evidence"),
    '"法律" = "cn-pipl"': ("imp.toml, [policy] 法律", "[policy] knows: channels, jurisdiction"),
}
TABLES = {
    "[Policy]": ("imp.toml, [Policy]", "did you mean [policy]"),
    "[polici]": ("imp.toml, [polici]", "did you mean [policy]"),
    "[[retension]]": ("imp.toml, [retension]", "did you mean [retention]"),
    "[signals.consent_mod]": ("imp.toml, [signals] consent_mod", "did you mean consent_mode"),
    "[retention.archive]\ntouchpoints = 1": ("imp.toml, [retention.archive] touchpoints", "did you mean touchpoint"),
    '[[processing.recipient]]\nnaem = "x"': ("imp.toml, [processing.recipient] naem", "did you mean name"),
}
ALL = {f"[policy]\n{text}": said for text, said in MISSPELT.items()} | TABLES


@pytest.fixture
def line(imp_here: Line) -> Line:
    imp_here("init", imp_here.workspace, "--controller", "Shop Ltd").ok()
    return imp_here


def put(line: Line, text: str) -> None:
    path = line.workspace / "imp.toml"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{text}\n", encoding="utf-8")


def stated(line: Line) -> list[str]:
    found = line("consent", "history", WHO, "--json").json["entries"]  # 1 where nobody is known by it
    return [str(entry["type"]) for entry in found]


@pytest.mark.parametrize("text", sorted(ALL))
def test_no_yes_is_recorded_and_the_line_and_what_was_meant_are_named(line: Line, text: str) -> None:
    put(line, text)
    where, mend = ALL[text]
    answer = line(*GIVE, "--json")
    assert answer.code == 2
    error = answer.json["error"]
    assert (error["what"], error["where"]) == ("nothing reads this setting", where)
    assert mend in error["mend"]
    basis = line("consent", "basis", WHO, "--purpose", "essential", "--basis", "contract", "--evidence", "order 7")
    assert (basis.code, where in basis.err) == (2, True)
    assert stated(line) == []


@pytest.mark.parametrize("text", sorted(ALL))
def test_every_command_warns_and_the_doctor_finds_it(line: Line, text: str) -> None:
    before = line("doctor")
    put(line, text)
    where, mend = ALL[text]
    heard = line("consent", "purpose", "list").ok().err
    assert f"warning: nothing reads {where}: " in heard
    assert mend in heard
    found = line("doctor", "--json")
    assert found.code == 1
    (check,) = [check for check in found.json["checks"] if check["name"] == "settings"]
    assert (check["ok"], check["detail"], mend in check["mend"]) == (False, f"nothing reads {where}", True)
    assert "settings" not in before.out


def test_a_no_and_an_erasure_never_wait_for_it(line: Line) -> None:
    line(*GIVE).ok()
    put(line, '[policy]\nregims = ["cn-pipl"]')
    line("consent", "record", WHO, "--purpose", "analytics", "--state", "withdrawn").ok()
    line("consent", "object", WHO).ok()
    line("consent", "restrict", WHO).ok()
    line("consent", "access", WHO, "--verified", "reasonable", "--how", "logged in", "--out", "a").ok()
    assert {"withdraw", "object", "restrict"} <= set(stated(line))
    line("consent", "erase", WHO, "--though-restricted", "--execute").ok()
    assert stated(line) == []


def test_nothing_is_sent_or_analysed_until_it_is_mended(line: Line, context: Context) -> None:
    sound = (line.workspace / "imp.toml").read_text(encoding="utf-8")
    put(line, "[Policy]")
    for execute in ((), ("--execute",)):
        answer = line("send", "file", "--audience", "a.csv", "--campaign", "spring", *execute)
        assert (answer.code, "imp.toml, [Policy]" in answer.err) == (2, True)
    context.reload_workspace()
    with pytest.raises(BadInput) as caught:
        _ = context.view
    assert (caught.value.where, caught.value.mend) == ("imp.toml, [Policy]", "did you mean [policy]")
    (line.workspace / "imp.toml").write_text(sound, encoding="utf-8")
    context.reload_workspace()
    assert context.view is not None
    line(*GIVE).ok()


def test_what_a_plugin_keeps_there_is_its_own(line: Line) -> None:
    put(line, '[channels.sms]\nwhatever = "x"\n[file]\nanything = 1\n[plugins.gone]\nversion = "1"\n[gone]\nx = 1')
    line("consent", "purpose", "list").ok()
    assert "warning: nothing reads" not in line(*GIVE).ok().err


def test_a_name_that_stands_above_every_table_is_found_too(line: Line) -> None:
    path = line.workspace / "imp.toml"
    path.write_text('jurisdiction = "FR"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    answer = line(*GIVE)
    assert (answer.code, "imp.toml, jurisdiction" in answer.err) == (2, True)
    assert "did you mean [policy] jurisdiction" in answer.err


def test_what_a_page_asks_is_answered_with_no_until_it_is_mended(line: Line) -> None:
    line(*GIVE).ok()
    ask = ("consent", "signal", "consent-mode", WHO)
    assert line(*ask, "--json").ok().json["states"]["analytics_storage"] == "granted"
    put(line, '[signals.consent_mod]\nanalytics_storage = ["marketing.email"]')
    answer = line(*ask, "--json").ok()
    assert set(answer.json["states"].values()) == {"denied"}
    assert (answer.json["available"], answer.json["settings_read"]) == (True, False)
    assert "warning: until every setting in imp.toml is read everything is denied" in answer.err
    assert "granted" not in line(*ask).ok().out


def test_what_is_asked_and_what_brings_noes_goes_on_with_a_warning(line: Line) -> None:
    line(*GIVE).ok()
    line("plugin", "enable", "file").ok()
    put(line, "[Policy]")
    asked = line("consent", "check", WHO, "--purpose", "analytics").ok()
    assert "warning: nothing reads imp.toml, [Policy]" in asked.err
    visits = line.workspace.parent / "visits.csv"
    at = "2026-02-01T10:00:00Z"
    visits.write_text(f"type,identifier,at,purpose,id,channel,name\ntouchpoint,{WHO},{at},analytics,e1,web,visit\n")
    taken = line("ingest", "file", visits, "--json").ok()
    assert "warning: nothing reads imp.toml, [Policy]" in taken.err
    assert taken.json["received"] == 1


@pytest.mark.parametrize("text", ["regimes = 5", "jurisdiction = 7", 'channels = "sms"', "regimes = [3]"])
def test_law_that_cannot_be_read_refuses_a_yes_and_no_word_of_whoever_says_no_or_asks(line: Line, text: str) -> None:
    line(*GIVE).ok()
    put(line, f"[policy]\n{text}")
    again = line("consent", "record", "member:lin", "--purpose", "analytics", "--state", "given")
    assert (again.code, f"[policy] {text.split(maxsplit=1)[0]} is not a" in again.err) == (2, True), again.err
    for words in (("record", WHO, "--purpose", "analytics", "--state", "withdrawn"), ("object", WHO), ("limit", WHO)):
        line("consent", *words).ok()
    line("consent", "restrict", WHO, "--grounds", "contests").ok()
    asked = ("--verified", "high", "--how", "passport")
    line("consent", "access", WHO, "--out", str(line.workspace.parent / "copy"), *asked).ok()
    line("consent", "erase", WHO, "--though-restricted", "--execute").ok()
