"""A plugin that breaks while it is loaded or asked costs itself: `imp` goes on, and `imp doctor` names it."""

from __future__ import annotations

import sys

import pytest

from imp_core import installed
from imp_core.plugin_enabling import enable
from imp_core.plugins import PluginState

# Connections are refused by core here, not by pytest-socket.
pytestmark = pytest.mark.enable_socket
HOOK = "from imp_core.hookspecs import *\nfrom imp_core.hookspecs import hookimpl\n"


def hook(body, *, name="imp_register_commands", options=""):
    return f"{HOOK}@hookimpl{options}\ndef {name}():\n    {body}\n"


AT_IMPORT = {
    "broken import": ("import module_that_is_not_there", "ModuleNotFoundError"),
    "syntax": ("def (", "SyntaxError"),
    "SystemExit": ("raise SystemExit(7)", "SystemExit"),
    "sys.exit": ("import sys\nsys.exit('zoe@example.com')", "SystemExit"),
    "KeyboardInterrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "GeneratorExit": ("raise GeneratorExit", "GeneratorExit"),
    "BaseException": ("class Odd(BaseException): pass\nraise Odd('zoe@example.com')", "Odd"),
    "class named like an address": ("raise type('zoe@example.com', (Exception,), {})", "an exception"),
    "class named like a number": ("raise type('n8613800138000', (Exception,), {})", "an exception"),
    "metaclass that lies": (
        "class M(type):\n    __name__ = property(lambda cls: 'zoe@example.com')\n"
        "class Odd(Exception, metaclass=M): pass\nraise Odd",
        "Odd",
    ),
    "exception whose text raises": (
        "class Odd(Exception):\n    def __str__(self): raise SystemExit\n    __repr__ = __str__\nraise Odd",
        "Odd",
    ),
    "core's own": ("from imp_core.errors import *\nraise PluginBroken('zoe@example.com')", "PluginBroken"),
    "recursion": ("def f(): f()\nf()", "RecursionError"),
    "connection": ("import socket\nsocket.getaddrinfo('evil.example.com', 25)", "evil.example.com"),
    "connection swallowed": (
        "import socket\ntry: socket.getaddrinfo('evil.example.com', 25)\nexcept Exception: pass",
        "evil.example.com",
    ),
    "process": ("import subprocess\nsubprocess.run(['true'])", "tried to start a process"),
    "process swallowed": ("import os\ntry: os.system('true')\nexcept Exception: pass", "tried to start a process"),
}  # fmt: skip
IN_HOOKS = {
    "wrapper": (hook("return (yield)", options="(wrapper=True)"), "wrapper"),
    "hookwrapper": (hook("yield", options="(hookwrapper=True)"), "hookwrapper"),
    "tryfirst": (hook("return []", options="(tryfirst=True)"), "tryfirst"),
    "trylast": (hook("return []", options="(trylast=True)"), "trylast"),
    "no such hook": (hook("return []", name="imp_register_chanel"), "not a hook"),
    "raising": (hook("raise ValueError('zoe@example.com')"), "ValueError"),
    "SystemExit": (hook("raise SystemExit"), "SystemExit"),
    "KeyboardInterrupt": (hook("raise KeyboardInterrupt"), "KeyboardInterrupt"),
    "BaseException": (hook("raise type('Odd', (BaseException,), {})"), "Odd"),
    "number": (hook("return 5"), "TypeError"),
    "list of numbers": (hook("return [5]"), "TypeError"),
    "None": (hook("return None"), "TypeError"),
    "raising midway": (hook("yield CommandRef(name='x', target='a:b', help='')\n    raise SystemExit"), "SystemExit"),
    "endless": (hook("while True: yield 5"), "TypeError"),
    "subclass of CommandRef": (
        f"{HOOK}class Ref(CommandRef):\n    @property\n    def name(self): return 'doctor'\n"
        "@hookimpl\ndef imp_register_commands(): return [object.__new__(Ref)]\n",
        "TypeError",
    ),
    "CommandRef that skipped its checks": (
        hook(
            "ref = object.__new__(CommandRef)\n"
            "    for key, value in (('name', 'x\\x1b[2K'), ('target', 'a:b'), ('help', '')):\n"
            "        object.__setattr__(ref, key, value)\n    return [ref]"
        ),
        "BadInput",
    ),
    "help that repaints a terminal": (hook("return [CommandRef(name='x', target='a:b', help='\\x1b[2J')]"), "BadInput"),
    "help without end": (hook("return [CommandRef(name='x', target='a:b', help='a' * 10**6)]"), "BadInput"),
}  # fmt: skip


def check_that_imp_goes_on(line, site, code, manifest, source, problem):
    site.install("good", code(name="good"), manifest=manifest())
    site.install("acme", source, manifest=manifest())
    line("plugin", "enable", "good").ok()
    refused = line("plugin", "enable", "acme")
    assert (refused.code, problem in refused.err, "zoe" in refused.out + refused.err) == (1, True, False)
    site.pin("acme")
    assert "doctor" in line("--help").ok().out
    states = {row["name"]: row for row in line("plugin", "list", "--json").ok().json["plugins"]}
    assert states["acme"]["state"] == "broken"
    assert states["good"]["state"] == "loaded"
    assert problem in states["acme"]["problem"]
    answer = line("doctor", "--json")
    assert answer.code == 1
    (found,) = [check for check in answer.json["checks"] if check["name"] == "plugin acme"]
    assert (found["ok"], problem in found["detail"]) == (False, True)
    for told in (answer, line("plugin", "list"), line("plugin", "show", "acme")):
        assert "zoe" not in told.out + told.err


@pytest.mark.parametrize("attack", sorted(AT_IMPORT))
def test_at_import(imp_here, site, workspace, code, manifest, attack):
    check_that_imp_goes_on(imp_here, site, code, manifest, *AT_IMPORT[attack])


@pytest.mark.parametrize("attack", sorted(IN_HOOKS))
def test_in_a_hook(imp_here, site, workspace, code, manifest, attack):
    check_that_imp_goes_on(imp_here, site, code, manifest, *IN_HOOKS[attack])


def test_a_hook_cannot_bring_another_command_than_those_it_registers_once(imp_here, site, workspace, manifest):
    source = f"""{HOOK}
class Name(str):
    times = 0
    def __eq__(self, other): return False
    __hash__ = str.__hash__
    def __str__(self): return "doctor"
@hookimpl
def imp_register_commands():
    return [CommandRef(name=Name("doctor"), target="nowhere:x", help="of a stranger")]
"""
    site.install("acme", source, manifest=manifest())
    site.pin("acme")
    assert "of a stranger" not in imp_here("--help").ok().out
    assert imp_here("doctor").code == 1


@pytest.mark.parametrize(
    "source", ["while True: pass", "import time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: break"]
)
def test_one_that_hangs_while_it_is_loaded(imp_here, site, workspace, code, manifest, source, monkeypatch):
    monkeypatch.setattr(installed, "CONTAINED_SECONDS", 0.3)
    site.install("good", code(name="good"), manifest=manifest())
    site.install("acme", source, manifest=manifest())
    imp_here("plugin", "enable", "good").ok()
    site.pin("acme")
    states = {row["name"]: row for row in imp_here("plugin", "list", "--json").ok().json["plugins"]}
    assert states["good"]["state"] == "loaded"
    if "except" not in source:
        assert (states["acme"]["state"], states["acme"]["problem"]) == (
            "broken", "Hung at stranger_acme_x/plugin.py:1 while loading or registering",
        )  # fmt: skip


def test_one_that_hangs_in_a_hook(imp_here, site, workspace, manifest, monkeypatch):
    monkeypatch.setattr(installed, "CONTAINED_SECONDS", 0.3)
    site.install("acme", hook("while True: pass"), manifest=manifest())
    assert "Hung" in imp_here("plugin", "enable", "acme").err
    site.pin("acme")
    assert "Hung" in imp_here("doctor").out
    assert imp_here("--help").code == 0


def test_the_operators_interrupt_is_never_taken_for_the_plugins(site, workspace, context, manifest):
    site.install("acme", "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n", manifest=manifest())
    with pytest.raises(KeyboardInterrupt):
        enable(context, "acme")


@pytest.mark.parametrize(
    ("entry", "problem"),
    [("module.that.is.not.there", "carries no manifest"), ("stranger_acme_x.plugin:Acme", "must name a module")],
)
def test_an_entry_point_to_nothing(imp_here, site, workspace, code, manifest, entry, problem):
    site.install("acme", code(), manifest=manifest(), entry=entry)
    answer = imp_here("plugin", "enable", "acme")
    assert (answer.code, imp_here("--help").code) == (1, 0)
    states = {row["name"]: row for row in imp_here("plugin", "list", "--json").ok().json["plugins"]}
    assert problem in answer.err + str(states["acme"]["problem"])


CHANNELS = {
    "info that raises": ("info = property(lambda self: 1 / 0)", "ZeroDivisionError"),
    "info that exits": ("@property\ndef info(self): raise SystemExit", "SystemExit"),
    "info of another type": ("info = 'acme'", "TypeError"),
    "info of a subclass": (
        "Info = type('Info', (ChannelInfo,), {})\ninfo = Info(name='acme', version='1.0')",
        "TypeError",
    ),
    "info with text for a list": ("info = ChannelInfo(name='acme', version='1.0', hosts='ab')", "TypeError"),
    "info with other types in it": ("info = ChannelInfo(name=5, version='1.0')", "TypeError"),
    "info with an endless list": ("info = ChannelInfo(name='acme', version='1.0', stages=['x'] * 10**6)", "TypeError"),
    "info that repaints a terminal": ("info = ChannelInfo(name='acme', version='\\x1b[2J')", "ValueError"),
    "no such action": ("info = ChannelInfo(name='acme', version='1.0', purposes={'spy': ('x',)})", "ValueError"),
    "no such capability": ("info = ChannelInfo(name='acme', version='1.0', supports={'fly': 'full'})", "ValueError"),
    "another spec": ("info = ChannelInfo(name='acme', version='1.0', spec_version=2)", "spec version 1"),
    "rate of nothing": ("info = ChannelInfo(name='acme', version='1.0', rate=RateLimit(per_second=0.0))", "rate"),
    "rate of NaN": ("info = ChannelInfo(name='acme', version='1', rate=RateLimit(per_second=float('nan')))", "rate"),
    "batches too large": ("info = ChannelInfo(name='acme', version='1.0', batch=BatchLimit(rows=501))", "rows"),
    "no connection": ("info = ChannelInfo(name='acme', version='1.0', batch=BatchLimit(connections=0))", "connections"),
    "no check": ("check = None", "lacks: check"),
    "no forget": ("forget = None", "lacks: forget"),
    "capability without its methods": ("plan = deliver = None", "lacks: plan, deliver"),
    "purpose beyond the manifest": (
        "info = ChannelInfo(name='acme', version='1.0', purposes={'collect': ('analytics',)})",
        "declares more than its manifest: purpose analytics for collect",
    ),
    "host beyond the manifest": (
        "info = ChannelInfo(name='acme', version='1.0', hosts=('evil.example.com',))",
        "declares more than its manifest: host evil.example.com",
    ),
    "identifier beyond the manifest": (
        "info = ChannelInfo(name='acme', version='1.0', identifiers=(IdentifierSpec(kind='phone'),))",
        "declares more than its manifest: identifier phone",
    ),
    "getattr that exits": ("check = property(lambda self: 1)\ndef __getattr__(self, name): raise SystemExit", "lacks"),
    "getattribute that exits": ("def __getattribute__(self, name): raise SystemExit", "SystemExit"),
}  # fmt: skip


@pytest.mark.parametrize("attack", sorted(CHANNELS))
def test_in_what_its_channel_declares(imp_here, site, workspace, code, manifest, attack):
    methods, problem = CHANNELS[attack]
    check_that_imp_goes_on(imp_here, site, code, manifest, code(methods), problem)


def test_a_description_that_changes_between_reads_is_read_once(stranger):
    one = stranger("""
        reads = -9
        @property
        def info(self):
            Acme.reads += 1
            hosts = () if Acme.reads <= 1 else ("evil.example.com",)
            return ChannelInfo(name="acme", version="1.0", hosts=hosts)
    """)
    sys.modules["stranger_acme_x.plugin"].Acme.reads = 0
    channel = one.context.plugins.channel("acme")
    assert [channel.info.hosts for _ in range(3)] == [()] * 3


def test_a_channel_with_hostile_eq_hash_and_repr_is_never_asked_for_them(stranger):
    one = stranger("""
        def __eq__(self, other): raise SystemExit
        def __hash__(self): raise SystemExit
        def __repr__(self): raise SystemExit
        def __bool__(self): raise SystemExit
    """)
    assert one.check().ok
    assert "acme" in repr(one.context.plugins.channel("acme"))


def test_two_plugins_of_one_name(imp_here, site, workspace, code, manifest):
    site.install("good", code(name="good"), manifest=manifest())
    for dist in ("first", "second"):
        site.install("acme", code(), manifest=manifest(), dist=dist)
    imp_here("plugin", "enable", "good").ok()
    assert "has the same name: first 1.0 and second 1.0" in imp_here("plugin", "enable", "acme").err
    answer = imp_here("doctor")
    assert "NOT OK  plugin acme: another installed plugin has the same name" in answer.out
    assert imp_here("--help").code == 0


OF_ANOTHER = """
    def check(self, ctx):
        open("ran.txt", "w").close()
        return CheckResult(ok=True, detail=str(ctx.secrets) + str(ctx.settings))
"""


@pytest.mark.parametrize("standing", ["not installed", "installed", "enabled"])
def test_a_channel_under_another_plugins_name_is_broken_and_given_nothing(
    imp_here, site, workspace, code, manifest, standing
):
    site.install("zeta", code(OF_ANOTHER, name="acme"), manifest=manifest())
    if standing != "not installed":
        site.install("acme", code(), manifest=manifest())
    if standing == "enabled":
        imp_here("plugin", "enable", "acme").ok()
    with (workspace / "imp.toml").open("a") as file:
        file.write('[channels.acme]\nplace = "of-acme"\n')
    site.pin("zeta")
    problem = "its channel is called acme, not zeta"
    assert f"broken: {problem}" in imp_here("plugin", "list").ok().out
    assert f"NOT OK  plugin zeta: {problem}" in imp_here("doctor").out
    checked = imp_here("plugin", "check", "zeta", IMP_ACME_TOKEN="s3cret", IMP_ZETA_TOKEN="s3cret")  # noqa: S106 (thrown away)
    assert (checked.code, problem in checked.out, "s3cret" in checked.out, "of-acme" in checked.out) == (
        1, True, False, False,
    )  # fmt: skip
    assert not (workspace / "ran.txt").exists()
    assert imp_here("plugin", "check", "acme").code == {"not installed": 2, "installed": 0, "enabled": 0}[standing]


def test_an_address_in_a_channels_name_is_not_repeated(imp_here, site, workspace, code, manifest):
    site.install("acme", code().replace('name="acme"', 'name="zoe@example.com"'), manifest=manifest())
    site.pin("acme")
    assert "broken: its channel is called ***, not acme" in imp_here("plugin", "list").out


@pytest.mark.parametrize("module", ["stranger_consent.plugin", "imp_consent_stranger.plugin", "imp_consent.stranger"])
def test_a_distribution_that_calls_itself_the_frameworks_is_not_always_on(site, context, module):
    site.install("consent2", "raise AssertionError", dist="imp-consent", entry=module)
    (found,) = [status for status in context.plugins.statuses if status.name == "consent2"]
    assert (found.always_on, found.state) == (False, PluginState.DISABLED)


@pytest.mark.parametrize("change", ["manifest", "version"])
def test_one_that_changed_since_it_was_enabled(imp_here, site, workspace, code, manifest, change):
    site.install("acme", code(), manifest=manifest())
    imp_here("plugin", "enable", "acme").ok()
    wider = manifest() + '    collect = ["analytics"]\n' if change == "manifest" else manifest()
    site.install("acme", "raise AssertionError", manifest=wider, version="2.0" if change == "version" else "1.0")
    checks = {check["name"]: check for check in imp_here("doctor", "--json").json["checks"]}
    assert (checks["plugin acme"]["ok"], checks["plugin acme"]["detail"]) == (False, "changed since enabled")
    assert imp_here("plugin", "check", "acme").code == 1
    site.install("acme", code(), manifest=wider, version="2.0" if change == "version" else "1.0")
    answer = imp_here("plugin", "enable", "acme", "--json").ok().json
    assert answer["state"] == "loaded"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[plugin", "not TOML"),
        ("\\x00", "not TOML"),
        ('[plugin]\nname = "acme"\nspec_version = 1\nisolation = "process"\n[purposes]\n', "isolation must be one of"),
        ('[plugin]\nname = "acme"\nspec_version = 1\nsudo = true\n[purposes]\n', "unknown key: plugin.'sudo'"),
        ('[plugin]\nname = "acme"\nspec_version = 1\n[purposes]\nspy = ["x"]\n', "unknown key: purposes.'spy'"),
        ('[plugin]\nname = "acme"\nspec_version = 9\n[purposes]\n', "spec version 9"),
        ('[plugin]\nname = "acme"\nspec_version = 1\nhosts = ["a b"]\n[purposes]\n', "cannot stand there"),
        ('[plugin]\nname = "acme"\nspec_version = 1\nhosts = ["*"]\n[purposes]\n', "cannot stand there"),
    ],
)
def test_a_manifest_that_is_damaged_or_asks_for_what_there_is_not(imp_here, site, workspace, code, text, problem):
    site.install("acme", code(), manifest=text)
    answer = imp_here("plugin", "enable", "acme")
    assert (answer.code, problem in answer.err) == (1, True)
    assert imp_here("plugin", "list").code == 0
    assert imp_here("plugin", "check", "acme").code == 1
    assert "acme" not in (workspace / "imp.toml").read_text()


def test_closing_the_standard_streams_at_import(imp, site, workspace, manifest):
    site.install("acme", "import sys\nsys.stdout.close()\nsys.stderr.close()\n", manifest=manifest())
    imp("plugin", "enable", "acme").ok()
    assert "doctor" in imp("--help").ok().out
    assert "no plugin is called" in imp("--without", "nobody", "doctor").err


def test_printing_an_address_at_import(imp, site, workspace, manifest):
    site.install("acme", "print('zoe@example.com, +86 138 0013 8000, hello')\n", manifest=manifest())
    imp("plugin", "enable", "acme").ok()
    answer = imp("plugin", "list", "--json").ok()
    assert answer.json["plugins"]
    assert answer.err == "***, ***, hello\n"


@pytest.mark.parametrize("source", ["sys.exit(7)", "raise KeyboardInterrupt", "raise ValueError"])
def test_raising_when_the_process_ends_changes_no_answer(imp, site, workspace, manifest, source):
    site.install("acme", f"import atexit, sys\n@atexit.register\ndef last():\n    {source}\n", manifest=manifest())
    imp("plugin", "enable", "acme").ok()
    answer = imp("plugin", "list", "--json").ok()
    assert answer.json["plugins"]
