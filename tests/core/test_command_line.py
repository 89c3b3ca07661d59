"""The command line: exit codes, the shape of errors, and that nothing foreign or personal is repeated in them."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from imp_core.cli import cli

COMMAND = """
    from imp_core.hookspecs import CommandRef, hookimpl
    @hookimpl
    def imp_register_commands():
        return [CommandRef(name="acme", target="stranger_acme_x.command:acme", help="Does what it is told.")]
"""
BODY = """
import sys
import click
from imp_core import errors
from imp_core.command import emit, json_option, pass_context

@click.command()
@click.argument("word")
@click.option("--count", type=int)
@json_option
@pass_context
def acme(ctx, word, count, as_json):
    if word == "answer":
        emit({"actor": ctx.actor}, ctx.actor, as_json=as_json)
        return 1
    if word == "internal":
        raise ValueError("zoe@example.com")
    if word == "sys":
        sys.exit(count)
    if word == "exit":
        raise click.exceptions.Exit(count)
    if word == "interrupt":
        raise KeyboardInterrupt
    if word == "full":
        try:
            raise OSError(count, "it stands in the system's words")
        except OSError:
            raise errors.LedgerBroken("it broke", mend="do that") from None
    if word == "abort":
        raise click.Abort
    if word == "chinese":
        print("你好 \\U0001f600")
        return
    raise getattr(errors, word)("it broke", where="here", mend="do that")
"""


@pytest.fixture
def acme(site, workspace, imp_here):
    """`acme(…)`: `imp acme …` of an enabled stranger, in this process."""
    module = site.install("acme", COMMAND)
    (site.folder / module.partition(".")[0] / "command.py").write_text(BODY)
    imp_here("plugin", "enable", "acme").ok()
    return lambda *words, **environ: imp_here("acme", *words, **environ)


def test_help_names_every_command_in_a_stable_order(imp_here):
    answer = imp_here("--help").ok()
    own = ("consent", "audit", "doctor", "experiment", "ingest", "init", "plugin")
    listed = [line.split()[0] for line in answer.out.partition("Commands:")[2].splitlines() if line.startswith("  ")]
    assert set(own) <= set(listed)
    assert imp_here("-h").out == answer.out


def test_no_words_show_the_help_and_count_as_wrong_usage(imp_here):
    answer = imp_here()
    assert (answer.code, answer.out) == (2, "")
    assert "Usage: imp" in answer.err


@pytest.mark.parametrize(("word", "hint"), [("docter", "doctor"), ("experiments", "experiment"), ("plug", "plugin")])
def test_an_unknown_command_is_wrong_usage_and_gets_a_suggestion(imp_here, word, hint):
    answer = imp_here(word)
    assert answer.code == 2
    assert f"there is no such command; did you mean: {hint}?" in answer.err


@pytest.mark.parametrize(
    "words",
    [
        ["email:zoe@example.com"],
        ["doctor", "email:zoe@example.com"],
        ["doctor", "--email=zoe@example.com"],
        ["plugin", "zoe@example.com"],
        ["plugin", "show", "x", "+8613800138000"],
        ["--actor"],
        ["--nonsense"],
    ],
)
def test_wrong_usage_is_exit_code_2_and_repeats_no_identifier(imp_here, words):
    answer = imp_here(*words)
    assert answer.code == 2
    assert answer.out == ""
    assert "zoe" not in answer.err
    assert "8613800138000" not in answer.err
    with_json = imp_here(*words, "--json") if words != ["--actor"] else imp_here("--json", *words)
    assert with_json.code == 2
    assert set(with_json.json) == {"error"}
    assert "zoe" not in with_json.out + with_json.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("BadInput", 2),
        ("WorkspaceMissing", 2),
        ("CheckFailed", 1),
        ("KeysUnusable", 3),
        ("LedgerBroken", 3),
        ("ImpError", 3),
    ],
)
def test_an_error_of_ours_says_what_where_and_how_to_mend_it(acme, error, code):
    answer = acme(error)
    assert (answer.code, answer.out) == (code, "")
    assert answer.err == "error: it broke\n  where: here\n  mend: do that\n"
    with_json = acme(error, "--json")
    assert with_json.code == code
    assert with_json.json == {"error": {"what": "it broke", "where": "here", "mend": "do that"}}


def test_a_foreign_error_is_named_by_its_type_and_shows_no_traceback(acme):
    answer = acme("internal")
    assert (answer.code, answer.out) == (3, "")
    assert answer.err == "error: internal error: ValueError\n  mend: run it again with: imp --debug …\n"
    assert acme("internal", "--json").json["error"]["what"] == "internal error: ValueError"


def test_debug_shows_the_traceback_with_the_same_exit_code(acme, imp_here):
    answer = imp_here("--debug", "acme", "internal")
    assert answer.code == 3
    assert "Traceback" in answer.err
    assert 'raise ValueError("zoe' in answer.err
    assert "Traceback" in imp_here("--debug", "acme", "BadInput").err
    assert imp_here("--debug", "acme", "BadInput").code == 2


def test_words_after_two_dashes_are_no_options(acme, imp_here):
    answer = imp_here("acme", "--", "--debug")
    assert answer.code == 3  # there is no error of that name: AttributeError
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["exit", "--count", "0"], 0),
        (["exit", "--count", "1"], 1),
        (["exit", "--count", "2"], 2),
        (["sys", "--count", "1"], 1),
        (["sys"], 0),
        (["sys", "--count", "77"], 3),
        (["abort"], 1),
        (["interrupt"], 130),
        (["answer"], 0),
    ],
)
def test_every_way_to_end_has_its_exit_code(acme, words, code):
    assert acme(*words).code == code


@pytest.mark.parametrize(("number", "mend"), [(errno.ENOSPC, "make room"), (errno.EDQUOT, "make room"), (5, "do that")])
def test_a_full_disk_is_mended_by_room_whoever_met_it(acme, number, mend):
    answer = acme("full", "--count", str(number), "--json")
    assert answer.code == 3
    assert mend in answer.json["error"]["mend"]
    assert f"mend: {mend}" in answer.err


def test_help_names_every_exit_code(imp_here):
    said = " ".join(imp_here("--help").ok().out.split())
    assert "0 done, 1 refused or failed a check, 2 wrong usage, 3 breakage, 130 interrupted" in said


def test_the_actor_is_the_option_else_the_variable_else_the_login(acme, imp_here):
    assert imp_here("--actor", "ann", "acme", "answer").out == "ann\n"
    assert acme("answer").out == "tester\n"
    assert acme("answer", IMP_ACTOR="bob").out == "bob\n"
    assert acme("answer", "--json", IMP_ACTOR="小明").json == {"actor": "小明"}
    assert acme("answer", IMP_ACTOR="").out.strip()


@pytest.mark.parametrize("name", ["", "  ", "an\u200bn", "x" * 201])
def test_an_actor_that_is_no_name_is_refused_and_never_taken_for_the_login(acme, imp_here, name):
    for words in (("acme", "answer"), ("doctor",)):
        refused = imp_here("--actor", name, *words)
        assert (refused.code, refused.out) == (2, "")
        assert "where: --actor" in refused.err


def test_a_reader_that_goes_away_is_no_breakage(imp):
    program = Path(sys.executable).with_name("imp")
    command = f"'{program}' --help | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, env=dict(imp.environ), check=False)
    assert done.stderr == b""
    assert done.returncode in (0, 141)


def test_a_terminal_of_another_alphabet_is_no_breakage(acme, imp):
    answer = imp("acme", "chinese", PYTHONIOENCODING="ascii").ok()
    assert answer.out == "\\u4f60\\u597d \\U0001f600\n"


def test_a_command_that_cannot_be_loaded_is_named(site, acme, imp_here):
    (site.folder / "stranger_acme_x" / "command.py").write_text("raise SystemExit('zoe@example.com')")
    answer = acme("answer")
    assert answer.code == 3
    assert "cannot load stranger_acme_x.command:acme: SystemExit" in answer.err
    assert "zoe" not in answer.err
    (site.folder / "stranger_acme_x" / "command.py").write_text("acme = 5")
    sys.modules.pop("stranger_acme_x.command", None)
    assert "is not a click command" in acme("answer").err
    assert imp_here("--help").code == 0


def test_every_command_has_help_with_an_example_and_json(imp_here):
    missing = []

    def walk(command, ctx, path):
        if isinstance(command, click.Group):
            for name in command.list_commands(ctx):
                sub = command.get_command(ctx, name)
                walk(sub, click.Context(sub, parent=ctx, info_name=name), [*path, name])
            return
        options = {option for item in command.params for option in item.opts}
        if "Example" not in (command.help or ""):
            missing.append(f"imp {' '.join(path)}: example")
        if "--json" not in options:
            missing.append(f"imp {' '.join(path)}: --json")

    with cli.make_context("imp", ["doctor"]) as ctx:
        walk(cli, ctx, [])
    assert missing == []


def test_json_keeps_other_scripts_readable(imp_here, workspace):
    answer = imp_here("plugin", "show", "没有", "--json")
    assert answer.code == 2
    assert "没有" in answer.out
    assert json.loads(answer.out)["error"]["mend"] == "see: imp plugin list"
