"""Installed is not enabled: nothing of a plugin runs before an operator has seen what it declares."""

from __future__ import annotations

import tomllib

import pytest

from imp_core.errors import PluginBroken
from imp_core.manifest import parse_manifest

LOUD = "import pathlib, os\npathlib.Path(os.environ['HOME'], 'it-ran').touch()\n"
GOOD = '[plugin]\nname = "acme"\nspec_version = 1\n[purposes]\n'


@pytest.mark.parametrize("words", [["--help"], ["plugin", "list"], ["plugin", "show", "acme"], ["doctor"]])
def test_a_plugin_that_is_not_enabled_is_never_imported(site, workspace, imp, words):
    module = site.install(code=LOUD)
    (site.folder / module.partition(".")[0] / "__init__.py").write_text(LOUD)
    answer = imp(*words)
    assert answer.code in (0, 1)
    assert not (workspace.parent / "home" / "it-ran").exists()


def test_enabling_shows_what_it_declares_and_then_it_runs(site, workspace, imp):
    site.install(code=LOUD)
    shown = imp("plugin", "enable", "acme").ok().out
    assert "may collect: analytics" in shown
    assert "identifiers: phone" in shown
    assert "hosts: sms.example.com" in shown
    imp("plugin", "list").ok()
    assert (workspace.parent / "home" / "it-ran").exists()


def test_enabling_pins_version_and_manifest_and_disabling_takes_them_out(site, workspace, imp_here):
    site.install()
    before = (workspace / "imp.toml").read_text()
    answer = imp_here("plugin", "enable", "acme", "--json").ok().json
    assert answer["state"] == "loaded"
    pins = tomllib.loads((workspace / "imp.toml").read_text())["plugins"]
    assert pins == {"acme": {"version": "1.0", "manifest_sha256": answer["manifest_sha256"]}}
    assert imp_here("plugin", "disable", "acme", "--json").ok().json["state"] == "not enabled"
    assert (workspace / "imp.toml").read_text() == before


def test_a_changed_plugin_is_named_by_doctor_and_must_be_enabled_again(site, workspace, imp_here):
    site.install()
    imp_here("plugin", "enable", "acme").ok()
    site.install(version="1.1")
    listed = {row["name"]: row["state"] for row in imp_here("plugin", "list", "--json").ok().json["plugins"]}
    assert listed["acme"] == "changed since enabled"
    checks = {check["name"]: check for check in imp_here("doctor", "--json").json["checks"]}
    assert checks["plugin acme"]["ok"] is False
    assert "imp plugin enable acme" in checks["plugin acme"]["mend"]
    assert imp_here("plugin", "enable", "acme", "--json").ok().json["state"] == "loaded"


def test_doctor_names_a_broken_plugin_and_leaving_it_out_mends_it(site, workspace, imp_here):
    site.install(code="raise SystemExit(9)")
    site.pin()
    answer = imp_here("doctor")
    assert answer.code == 1
    assert "NOT OK  plugin acme: SystemExit at stranger_acme_x/plugin.py:1 while loading or registering" in answer.out
    assert "imp --without acme" in answer.out
    assert "plugin acme" not in imp_here("--without", "acme", "doctor").out
    assert imp_here("plugin", "list").code == 0
    assert imp_here("--help").code == 0


def test_doctor_finds_what_breaks_only_when_asked_to_register(site, workspace, imp_here):
    site.install(
        code="from imp_core.hookspecs import hookimpl\n@hookimpl\ndef imp_register_channel():\n    return 1 / 0\n"
    )
    site.pin()
    assert "plugin acme: ZeroDivisionError at stranger_acme_x/plugin.py:4" in imp_here("doctor").out
    assert "acme" in imp_here("plugin", "list").ok().out


def test_doctor_says_what_is_wrong_with_the_workspaces_file(imp_here, workspace):
    (workspace / "imp.toml").write_text("[workspace")
    answer = imp_here("doctor", "--json")
    assert answer.code == 1
    assert any("not a TOML file" in check["detail"] for check in answer.json["checks"])
    assert imp_here("--help").code == 0
    assert imp_here("plugin", "enable", "file").code == 2


@pytest.mark.parametrize(
    ("words", "problem", "code"),
    [
        (["show", "nobody"], "no installed plugin is called nobody", 2),
        (["enable", "nobody"], "no installed plugin is called nobody", 2),
        (["enable", "consent"], "part of the framework", 2),
        (["disable", "acme"], "acme is not enabled", 2),
        (["enable", "bare"], "carries no manifest", 1),
        (["enable", "liar"], "its manifest is of acme, not liar; stranger_liar_x/imp-plugin.toml", 1),
        (["enable", "twice"], "another installed plugin has the same name: one 1.0 and two 1.0", 1),
    ],
)
def test_what_cannot_be_enabled_is_refused(site, workspace, imp_here, words, problem, code):
    site.install()
    site.install("bare", manifest=None)
    site.install("liar", manifest=GOOD)
    site.install("twice", dist="one")
    site.install("twice", dist="two")
    before = (workspace / "imp.toml").read_text()
    answer = imp_here("plugin", *words)
    assert answer.code == code
    assert problem in answer.err
    assert (workspace / "imp.toml").read_text() == before


def test_without_a_workspace_nothing_can_be_enabled(site, imp_here):
    site.install()
    answer = imp_here("plugin", "enable", "acme")
    assert answer.code == 2
    assert "imp init" in answer.err
    assert imp_here("plugin", "show", "acme").code == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"\xff", "not TOML"),
        (b"[plugin", "not TOML"),
        (b"[purposes]\n", r"lacks the table \[plugin\]"),
        (b'[plugin]\nname = "x"\nspec_version = 1\n', r"lacks the table \[purposes\]"),
        (b"[plugin]\nspec_version = 1\n[purposes]\n", "needs a name"),
        (b'[plugin]\nname = "x"\nspec_version = true\n[purposes]\n', "needs a name and a spec_version"),
        (GOOD.replace("= 1", "= 2").encode(), "written for spec version 2, not 1"),
        (GOOD.encode() + b'spy = ["analytics"]\n', "unknown key: purposes.'spy'"),
        (GOOD.replace("[purposes]", 'host = ["a"]\n[purposes]').encode(), "unknown key: plugin.'host'"),
        (GOOD.encode() + b"[network]\nx = 1\n", "unknown key: 'network'"),
        (GOOD.encode() + b'collect = "analytics"\n', "must be a list of strings"),
        (GOOD.encode() + b"collect = [1]\n", "must be a list of strings"),
        (GOOD.encode() + b'collect = ["a\\u001b[2K"]\n', "must be a list of strings"),
        (GOOD.replace("[purposes]", 'summary = "a\\nb"\n[purposes]').encode(), "summary must be one line"),
    ],
)
def test_a_manifest_that_core_cannot_hold_a_plugin_to_is_refused(text, problem):
    with pytest.raises(PluginBroken, match=problem) as caught:
        parse_manifest(text, where="acme/imp-plugin.toml")
    assert caught.value.where == "acme/imp-plugin.toml"


BROKEN = {
    "at import": ("x = 1\n1 / 0\n", "ZeroDivisionError at stranger_acme_x/plugin.py:2 while loading or registering"),
    "in another module": (
        "from stranger_acme_x import channel",
        "SyntaxError at stranger_acme_x/channel.py:2 while loading or registering",
    ),
    "when it registers": (
        "from imp_core.hookspecs import hookimpl\n@hookimpl\ndef imp_register_channel():\n    return [{}['x']]\n",
        "KeyError at stranger_acme_x/plugin.py:4 while loading or registering",
    ),
    "by its manifest": (None, "its channel declares more than its manifest: purpose analytics for collect"),
}


@pytest.fixture
def broken(site):
    """`broken("at import")`: install it; returns what is said of it."""

    def broken(how):
        code, problem = BROKEN[how]
        manifest = {} if code else {"manifest": GOOD.replace("[purposes]", 'identifiers = ["phone"]\n[purposes]')}
        home = site.folder / site.install(**({"code": code} if code else {}), **manifest).partition(".")[0]
        (home / "channel.py").write_text("x = 1\ny = = 2\n")
        return problem

    return broken


@pytest.mark.parametrize("how", BROKEN)
def test_one_that_is_broken_when_it_is_loaded_is_not_enabled_and_the_ledger_has_no_word_of_it(broken, imp_here, how):
    imp_here("init", ".", "--controller", "Test").ok()
    problem = broken(how)
    file = imp_here.workspace / "imp.toml"
    before = file.read_text()
    answer = imp_here("plugin", "enable", "acme")
    assert answer.code == 1
    assert f"acme cannot be enabled, it is broken: {problem}" in answer.err
    assert "then again: imp plugin enable acme" in answer.err
    assert file.read_text() == before
    trace = imp_here("plugin", "trace", "acme", "--json").ok().json
    assert (trace["ledger"], trace["enabled"]) == (True, [])


@pytest.mark.parametrize("how", BROKEN)
def test_one_that_breaks_after_it_was_enabled_is_shown_broken(broken, site, workspace, imp_here, how):
    problem = broken(how)
    site.pin()
    answer = imp_here("plugin", "show", "acme")
    assert answer.code == 1
    assert answer.out.startswith(f"acme 1.0 (broken)\n  broken: {problem}\n  mend: ")
    assert imp_here("plugin", "check", "acme").code == 1
    shown = imp_here("plugin", "show", "acme", "--json").json
    assert (shown["state"], shown["problem"]) == ("broken", problem)


@pytest.mark.parametrize("command", ["check", "doctor", "ingest", "send"])
def test_what_mends_a_broken_one_is_not_to_enable_it(broken, site, workspace, imp_here, command):
    broken("when it registers")
    site.pin()
    (workspace / "a.csv").write_text("")
    words = {
        "check": ("plugin", "check", "acme"),
        "doctor": ("doctor",),
        "ingest": ("ingest", "acme", "a.csv"),
        "send": ("send", "acme", "--audience", "a.csv", "--campaign", "c"),
    }[command]
    answer = imp_here(*words)
    told = answer.out + answer.err
    assert answer.code == (1 if command in ("check", "doctor") else 2)
    assert "look at stranger_acme_x/plugin.py:4; then: imp plugin check acme" in told
    assert "plugin enable" not in told


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        ("[plugin", "the manifest is not TOML"),
        (None, "it carries no manifest"),
        (GOOD.replace("acme", "other"), "its manifest is of other, not acme; stranger_acme_x/imp-plugin.toml"),
        (GOOD.replace("acme", "zoe@example.com"), "its manifest is of ***, not acme"),
    ],
)
def test_a_manifest_that_does_not_hold_fails_every_command_alike(site, workspace, imp_here, manifest, problem):
    site.install(manifest=manifest)
    for command in ("show", "enable", "check"):
        answer = imp_here("plugin", command, "acme")
        assert (answer.code, problem.partition(";")[0] in answer.out + answer.err) == (1, True), command
        assert "stranger_acme_x/imp-plugin.toml" in answer.out + answer.err
        assert "nothing of it runs before" not in answer.out
        assert "zoe" not in answer.out + answer.err
    assert imp_here("plugin", "list").ok()


def test_two_of_one_name_are_told_apart_by_their_distributions(site, workspace, imp_here):
    site.install("twice", dist="one")
    site.install("twice", dist="two", version="2.0")
    for words in (("plugin", "list"), ("plugin", "show", "twice"), ("doctor",), ("plugin", "check", "twice")):
        answer = imp_here(*words)
        assert "another installed plugin has the same name: one 1.0 and two 2.0" in answer.out
        assert answer.code == (0 if words[1:] == ("list",) else 1)
