"""An option that has one value is refused where it is given twice, in whatever command of whatever plugin."""

from __future__ import annotations

import click
import pytest

from imp_core.cli import cli

COMMANDS = """
    from imp_core.hookspecs import CommandRef, hookimpl
    @hookimpl
    def imp_register_commands():
        return [
            CommandRef(name=name, target=f"stranger_acme_x.command:{name}", help="Does what it is told.")
            for name in ("alone", "nested", "chained")
        ]
"""
BODY = """
import click

@click.command()
@click.argument("word")
@click.option("--channel", "-c")
@click.option("--tag", multiple=True, help="May be repeated.")
@click.option("--loud", is_flag=True)
@click.option("-v", "verbose", count=True)
@click.option("--pair", nargs=2)
@click.option("--on/--off", "switch")
@click.option("--yes", "said", flag_value="yes")
@click.option("--no", "said", flag_value="no")
@click.option("--json", "as_json", is_flag=True)
def alone(word, channel, tag, loud, verbose, pair, switch, said, as_json):
    click.echo(f"{word} {channel} {tag} {loud} {verbose}")

@click.group()
@click.option("--where")
def nested(where):
    pass

nested.add_command(alone)

@click.group(chain=True)
def chained():
    pass

@chained.command()
@click.option("--channel")
def first(channel):
    click.echo(channel)

@chained.command()
@click.option("--channel")
def second(channel):
    click.echo(channel)
"""


@pytest.fixture
def acme(site, workspace, imp_here):
    """The commands of an enabled stranger, in this process."""
    module = site.install("acme", COMMANDS)
    (site.folder / module.partition(".")[0] / "command.py").write_text(BODY)
    imp_here("plugin", "enable", "acme").ok()
    return imp_here


def _tree():
    """Every command of core and of the built-in plugins, with the words that call it."""

    def walk(command, ctx, path):
        yield path, command
        if isinstance(command, click.Group):
            for name in command.list_commands(ctx):
                sub = command.get_command(ctx, name)
                yield from walk(sub, click.Context(sub, parent=ctx, info_name=name), [*path, name])

    with cli.make_context("imp", ["doctor"]) as ctx:
        yield from walk(cli, ctx, [])


def test_every_option_with_one_value_of_every_command_is_refused_where_it_is_given_twice(imp_here):
    tried, taken = 0, []
    for path, command in _tree():
        for option in command.params:
            if not isinstance(option, click.Option) or option.multiple or option.is_flag:
                continue
            tried += 1
            words = [*path, option.opts[0], "one", option.opts[-1], "two"]
            below = ["doctor"] if isinstance(command, click.Group) else []
            answer = imp_here(*words, *below)
            if answer.code != 2 or f"{option.opts[0]} is given twice" not in answer.err or answer.out:
                taken.append(f"imp {' '.join(words)}: {answer.code} {answer.err}")
    assert taken == []
    assert tried > 200


@pytest.mark.parametrize(
    "words",
    [
        ["alone", "x", "--channel", "email", "--channel", "sms"],
        ["alone", "--channel=email", "x", "-c", "sms"],
        ["alone", "-cemail", "-csms", "x"],
        ["alone", "--channel", "email", "--channel", "email", "x"],  # even the same: one of them may be misread
        ["nested", "alone", "x", "--channel", "email", "--tag", "a", "--channel", "sms"],
    ],
)
def test_a_strangers_command_is_kept_from_it_too(acme, words):
    answer = acme(*words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: --channel is given twice, and it has one value\n")
    assert "mend: give it once, and run the command once for each; here may be repeated: --tag" in answer.err
    assert "--channel is given twice" in acme(*words, "--json").json["error"]["what"]


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["alone", "x", "--pair", "a", "b", "--pair", "c", "d"], "--pair"),
        (["alone", "x", "--on", "--off"], "--on"),
        (["alone", "x", "--no", "--yes"], "--no"),
        (["nested", "--where", "a", "--where", "b", "alone", "x"], "--where"),
        (["chained", "first", "--channel", "a", "second", "--channel", "b", "--channel", "c"], "--channel"),
        (["--actor", "ann", "--actor", "ben", "alone", "x"], "--actor"),
        (["--actor", "ann", "--actor", "ben", "--help"], "--actor"),
    ],
)
def test_pairs_switches_groups_and_chains_are_no_way_round_it(acme, words, option):
    answer = acme(*words)
    assert (answer.code, answer.out) == (2, "")
    assert f"error: {option} is given twice" in answer.err


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["alone", "x", "--tag", "a", "--tag", "b", "--loud", "--loud", "-vv"], "x None ('a', 'b') True 2\n"),
        (["alone", "--channel", "email", "--", "--channel"], "--channel email () False 0\n"),
        (["chained", "first", "--channel", "a", "second", "--channel", "b"], "a\nb\n"),
    ],
)
def test_what_may_be_repeated_still_may(acme, words, out):
    assert acme(*words).ok().out == out


def test_what_is_told_repeats_none_of_the_values(acme):
    answer = acme("alone", "x", "--channel", "zoe@example.com", "--channel", "+8613800138000")
    assert answer.code == 2
    assert "zoe" not in answer.err
    assert "8613800138000" not in answer.err


def test_other_wrong_usage_is_told_as_before(acme):
    answer = acme("alone", "x", "--channel", "email", "--channel", "sms", "--unknown")
    assert answer.code == 2
    assert "No such option" in answer.err
