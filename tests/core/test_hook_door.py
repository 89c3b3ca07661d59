"""The plugin door: hooks only register, and one broken plugin costs itself and nothing else."""

from __future__ import annotations

import pytest

from imp_core.channel import Channel
from imp_core.errors import BadInput
from imp_core.gate import Action, DenyAll, Use
from imp_core.hookspecs import CommandRef, RuntimeProvider, VetoAction
from imp_core.installed import discover
from imp_core.plugins import Plugins, PluginState

ACTION = VetoAction(channel="sms", purpose="marketing.sms", campaign="spring", count=100)
COMMAND = """
    from imp_core.hookspecs import CommandRef, hookimpl
    @hookimpl
    def imp_register_commands():
        return [CommandRef(name="{command}", target="nowhere:command", help="of {owner}")]
"""


@pytest.fixture
def enabled(site):
    """`enabled("acme", …)`: loads the plugins there are, with every named one pinned as it is now."""

    def enabled(*names, **options):
        pins = {}
        for status in discover():
            if status.name in names:
                manifest = status.manifest()
                pins[status.name] = {"version": status.version, "manifest_sha256": manifest.sha256 if manifest else ""}
        return Plugins(pins=pins, **options)

    return enabled


def standing(plugins, name):
    (status,) = [status for status in plugins.statuses if status.name == name]
    return status.state, status.problem


def test_an_enabled_stranger_brings_its_channel(site, enabled):
    site.install()
    channel = enabled("acme").channel("acme")
    assert isinstance(channel, Channel)
    assert channel.check(None).ok


@pytest.mark.parametrize(
    ("option", "body"),
    [("wrapper", "return (yield)"), ("hookwrapper", "yield"), ("tryfirst", "return None"), ("trylast", "return None")],
)
def test_an_implementation_that_could_overrule_others_is_rejected_and_its_plugin_named(site, enabled, option, body):
    site.install("good")
    site.install(
        "pushy",
        f"""
        from imp_core.hookspecs import hookimpl
        @hookimpl({option}=True)
        def imp_veto(action):
            {body}
        @hookimpl
        def imp_register_channel():
            raise AssertionError("nothing of it may run")
        """,
    )
    plugins = enabled("good", "pushy")
    state, problem = standing(plugins, "pushy")
    assert state is PluginState.BROKEN
    assert option in problem
    assert plugins.channel("good")
    assert plugins.vetoes(ACTION) == []


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("import module_that_is_not_there", "ModuleNotFoundError at stranger_broken_x/plugin.py:1"),
        ("x = 1\n\ndef (", "SyntaxError at stranger_broken_x/plugin.py:3"),
        ("raise SystemExit(7)", "SystemExit at stranger_broken_x/plugin.py:1"),
        ("raise RuntimeError('zoe@example.com')", "RuntimeError at stranger_broken_x/plugin.py:1"),
        ("class Odd(BaseException): pass\nraise Odd", "Odd at stranger_broken_x/plugin.py:2"),
        (
            "from imp_core.errors import PluginBroken\nraise PluginBroken('zoe@example.com')",
            "PluginBroken at stranger_broken_x/plugin.py:2",
        ),
        ("import json\n\njson.loads('zoe@example.com')", "JSONDecodeError at stranger_broken_x/plugin.py:3"),
        # A stranger's own file names and lines are told only where they are so.
        ("exec(compile('1 / 0', 'zoe@example.com', 'exec'))", "ZeroDivisionError at stranger_broken_x/plugin.py:1"),
        (
            "\n\nfile = __file__.replace('plugin', 'zoe_at_example_com')\nexec(compile('1 / 0', file, 'exec'))",
            "ZeroDivisionError at stranger_broken_x/plugin.py:4",
        ),
        (
            "code = compile('1 / 0', __file__, 'exec')\nexec(code.replace(co_firstlineno=138001380))",
            "ZeroDivisionError at stranger_broken_x/plugin.py:2",
        ),
        (
            "error = SyntaxError('zoe@example.com', (__file__, 138001380, 1, ''))\nraise error",
            "SyntaxError at stranger_broken_x/plugin.py:2",
        ),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_named_by_its_errors_type_and_place_only(site, enabled, code, kind):
    site.install("good")
    site.install("broken", code)
    plugins = enabled("good", "broken")
    assert standing(plugins, "broken") == (PluginState.BROKEN, f"{kind} while loading or registering")
    assert plugins.channel("good")


@pytest.mark.parametrize(
    "body",
    ["raise SystemExit", "raise ValueError('zoe@example.com')", "return 5", "return [5]", "return None", "yield 5"],
)
@pytest.mark.parametrize(
    "hook", ["imp_register_channel", "imp_register_commands", "imp_register_runtime", "imp_register_key_provider"]
)
def test_a_hook_that_raises_or_answers_the_wrong_type_breaks_its_own_plugin_only(site, enabled, hook, body):
    site.install("good")
    site.install("broken", f"from imp_core.hookspecs import hookimpl\n@hookimpl\ndef {hook}():\n    {body}\n")
    plugins = enabled("good", "broken")
    plugins.probe()
    state, problem = standing(plugins, "broken")
    assert state is PluginState.BROKEN
    assert "zoe" not in problem
    assert plugins.channel("good")
    assert {"consent", "experiment"} <= set(plugins.commands())


def test_a_channel_whose_description_raises_or_is_of_another_type_breaks_its_own_plugin_only(site, enabled):
    site.install("good")
    for name, info in (("raising", "1 / 0"), ("mistyped", "'acme'")):
        site.install(
            name,
            f"""
            from imp_core.hookspecs import hookimpl
            class Odd:
                @property
                def info(self):
                    return {info}
                def check(self, ctx): ...
                def ingest(self, ctx, source): ...
            @hookimpl
            def imp_register_channel():
                return [Odd()]
            """,
        )
    plugins = enabled("good", "raising", "mistyped")
    assert plugins.channel("good")
    assert {standing(plugins, name)[0] for name in ("raising", "mistyped")} == {PluginState.BROKEN}


def test_what_a_plugin_prints_does_not_get_into_an_answer(site, enabled, capsys):
    site.install("chatty", "print('hello')\n")
    assert standing(enabled("chatty"), "chatty")[0] is PluginState.LOADED
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "hello\n")


def test_a_misspelt_hook_is_named(site, enabled):
    site.install(
        "typo", "from imp_core.hookspecs import hookimpl\n@hookimpl\ndef imp_register_chanel():\n    return []\n"
    )
    assert standing(enabled("typo"), "typo") == (
        PluginState.BROKEN,
        "imp_register_chanel is not a hook of imp; see the hooks in imp_core.hookspecs",
    )


def test_two_plugins_of_one_name_are_both_left_out(site, enabled):
    site.install("acme", dist="first")
    site.install("acme", dist="second")
    plugins = enabled("acme")
    found = [status for status in plugins.statuses if status.name == "acme"]
    assert [status.state for status in found] == [PluginState.BROKEN] * 2
    with pytest.raises(BadInput, match=r"has the same name: first 1\.0 and second 1\.0; uninstall one of them"):
        plugins.channel("acme")


def test_a_stranger_that_calls_itself_consent_is_left_out_and_consent_stays(site, enabled):
    site.install("consent")
    plugins = enabled("consent")
    states = {status.distribution: status.state for status in plugins.statuses if status.name == "consent"}
    assert states == {"imp-consent": PluginState.LOADED, "imp-channel-consent": PluginState.BROKEN}
    assert plugins.runtime_provider("gate").target.startswith("imp_consent.")


@pytest.mark.parametrize("taken", ["consent", "plugin", "doctor"])
def test_a_stranger_that_claims_a_taken_command_is_broken_and_the_command_stays(site, enabled, taken):
    site.install("aaa", COMMAND.format(command=taken, owner="a stranger"))
    plugins = enabled("aaa", taken=("plugin", "doctor"))
    commands = plugins.commands()
    assert standing(plugins, "aaa") == (PluginState.BROKEN, f"the command {taken} is already taken")
    assert "of a stranger" not in {ref.help for ref in commands.values()}


def test_a_channel_that_takes_anothers_name_is_broken(site, enabled):
    module = site.install("zulu")
    site.install("acme")
    source = site.folder / module.partition(".")[0] / "plugin.py"
    source.write_text(source.read_text().replace('name="zulu"', 'name="acme"'))
    plugins = enabled("acme", "zulu")
    assert type(plugins.channel("acme")._channel).__module__ == "stranger_acme_x.plugin"
    assert standing(plugins, "zulu") == (PluginState.BROKEN, "its channel is called acme, not zulu")


def test_a_plugin_that_brings_its_channel_twice_is_broken(site, enabled):
    module = site.install("acme")
    source = site.folder / module.partition(".")[0] / "plugin.py"
    source.write_text(source.read_text().replace("[Acme()]", "[Acme(), Acme()]"))
    plugins = enabled("acme")
    with pytest.raises(BadInput, match="already taken"):
        plugins.channel("acme")
    assert standing(plugins, "acme") == (PluginState.BROKEN, "the channel acme is already taken")


def test_a_channel_that_declares_more_than_its_manifest_showed_is_broken(site, enabled):
    module = site.install("greedy")
    source = site.folder / module.partition(".")[0] / "plugin.py"
    source.write_text(source.read_text().replace('("analytics",)', '("analytics", "profiling")'))
    plugins = enabled("greedy")
    with pytest.raises(BadInput, match="declares more than its manifest: purpose profiling for collect"):
        plugins.channel("greedy")


def test_a_plugin_that_is_not_enabled_cannot_be_used_and_the_error_says_how(site, enabled):
    site.install()
    with pytest.raises(BadInput, match="not enabled; nothing of it runs before: imp plugin enable acme"):
        enabled().channel("acme")
    with pytest.raises(BadInput, match="no channel of this name is installed"):
        enabled().channel("nobody")


def test_without_leaves_a_plugin_out_before_it_is_loaded(site, enabled):
    site.install("broken", "raise RuntimeError")
    assert standing(enabled("broken", without=("broken",)), "broken") == (PluginState.WITHOUT, None)
    assert "consent" not in enabled(without=("consent",)).commands()


def test_without_an_unknown_name_is_refused_before_anything_is_loaded(site, enabled, capsys):
    site.install("chatty", "print('loaded')\n")
    with pytest.raises(BadInput, match="no plugin is called chaty"):
        enabled("chatty", without=("chaty",))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("change", ["version", "manifest", "name in the manifest", "no manifest", "broken manifest"])
def test_a_plugin_that_changed_since_it_was_enabled_does_not_run(site, change):
    site.install()
    (before,) = [status for status in discover() if status.name == "acme"]
    pins = {"acme": {"version": before.version, "manifest_sha256": before.manifest().sha256}}
    assert Plugins(pins=pins).channel("acme")

    module = site.install(code="raise AssertionError('it ran')", version="1.1" if change == "version" else "1.0")
    manifest = site.folder / module.partition(".")[0] / "imp-plugin.toml"
    text = manifest.read_text()
    edits = {
        "manifest": text + "# more\n",
        "name in the manifest": text.replace("acme", "other"),
        "broken manifest": "x",
    }
    if change in edits:
        manifest.write_text(edits[change])
    elif change == "no manifest":
        manifest.unlink()
    state, problem = standing(Plugins(pins=pins), "acme")
    expected = PluginState.CHANGED if change in ("version", "manifest") else PluginState.BROKEN
    assert (state, problem is None) == (expected, expected is PluginState.CHANGED)


def test_an_incomplete_pin_enables_nothing(site):
    site.install(manifest=None)
    assert standing(Plugins(pins={"acme": {"version": "1.0"}}), "acme")[0] is PluginState.BROKEN
    site.install()
    assert standing(Plugins(pins={"acme": {"version": "1.0"}}), "acme")[0] is PluginState.CHANGED


@pytest.mark.parametrize(
    ("entry", "metadata", "name"),
    [
        ("not a reference!", None, "acme"),
        ("stranger_acme_x.plugin:Plugin", None, "acme"),
        (None, "", "acme"),
        (None, "Metadata-Version: 2.1\nName: acme\nVersion: 1\x1b[2K\n", "acme"),
        (None, "\x00\xff", "acme"),
        (None, None, "a.b"),
        (None, None, "Acme"),
        (None, None, "a]b"),
    ],
)
def test_damaged_metadata_costs_its_own_plugin_only(site, entry, metadata, name):
    site.install("good")
    site.install(name, entry=entry)
    if metadata is not None:
        (info,) = site.folder.glob("stranger_acme*.dist-info")
        (info / "METADATA").write_text(metadata, encoding="latin-1")
    plugins = Plugins(pins={name: {"version": "1.0", "manifest_sha256": ""}})
    assert {"good", "consent"} <= {status.name for status in plugins.statuses}
    strange = [status for status in plugins.statuses if status.distribution not in ("imp-channel-good",)]
    assert PluginState.LOADED not in {s.state for s in strange if not s.distribution.startswith("imp-")}
    plugins.probe()


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        ("def imp_veto(action):\n    return None", []),
        ("def imp_veto(action):\n    return Veto(reason=f'{action.count} are too many')", ["100 are too many"]),
        ("def imp_veto():\n    return Veto(reason='never')", ["never"]),
        ("def imp_veto(action):\n    raise ValueError('zoe@example.com')", ["the plugin acme is broken"]),
        ("def imp_veto(action):\n    raise SystemExit", ["the plugin acme is broken"]),
        ("def imp_veto(action):\n    return True", ["the plugin acme is broken"]),
        ("def imp_veto(action):\n    return False", ["the plugin acme is broken"]),
    ],
)
def test_a_plugin_may_veto_and_an_exception_is_a_veto(site, enabled, body, reasons):
    site.install("acme", f"from imp_core.hookspecs import Veto, hookimpl\n@hookimpl\n{body}\n")
    assert [veto.reason for veto in enabled("acme").vetoes(ACTION)] == reasons


def test_a_plugin_that_broke_elsewhere_keeps_its_veto(site, enabled):
    site.install(
        "acme",
        """
        from imp_core.hookspecs import hookimpl
        @hookimpl
        def imp_register_commands():
            raise ValueError
        @hookimpl
        def imp_veto(action):
            return None
        """,
    )
    plugins = enabled("acme")
    assert plugins.vetoes(ACTION) == []
    plugins.commands()
    assert [veto.reason for veto in plugins.vetoes(ACTION)] == ["the plugin acme is broken"]


def provider(name):
    return f"""
        from imp_core.hookspecs import RuntimeProvider, hookimpl
        @hookimpl
        def imp_register_runtime():
            return [RuntimeProvider(kind="gate", name="{name}", target="nowhere:gate")]
    """


def test_two_providers_of_one_kind_are_an_error_until_one_is_chosen(site, enabled):
    site.install("acme", provider("acme"))
    plugins = enabled("acme")
    with pytest.raises(BadInput, match="several plugins provide gate: acme, consent"):
        plugins.runtime_provider("gate")
    assert plugins.runtime_provider("gate", "consent").name == "consent"
    with pytest.raises(BadInput, match="no plugin provides the gate other"):
        plugins.runtime_provider("gate", "other")


def test_a_strangers_gate_never_stands_in_for_one_that_is_left_out(site, enabled):
    site.install("acme", provider("acme"))
    plugins = enabled("acme", without=("consent",))
    assert plugins.runtime_provider("gate") is None
    assert plugins.runtime_provider("gate", "acme").name == "acme"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (CommandRef, {"name": "Two Words", "target": "a:b", "help": ""}),
        (CommandRef, {"name": "x", "target": "a", "help": ""}),
        (CommandRef, {"name": "x", "target": "a:b", "help": None}),
        (RuntimeProvider, {"kind": "gates", "name": "x", "target": "a:b"}),
        (RuntimeProvider, {"kind": "gate", "name": "", "target": "a:b"}),
    ],
    ids=str,
)
def test_what_cannot_be_a_command_or_a_provider_cannot_be_made(kind, fields):
    with pytest.raises(BadInput):
        kind(**fields)


def test_where_nobody_provides_a_gate_everything_is_denied(context, workspace):
    context.without = ("consent",)
    decision = context.gate.decide(Use(purpose="analytics", action=Action.COLLECT, subject=1), at_us=0)
    assert isinstance(context.gate, DenyAll)
    assert (decision.permitted, decision.reason, decision.entries) == (False, "ledger_unavailable", ())
    assert context.gate.resolve(None) is None
