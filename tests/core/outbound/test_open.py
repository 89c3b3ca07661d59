"""What a channel is handed: its table of imp.toml, its own secrets, and the hosts its manifest names."""

from __future__ import annotations

from pathlib import Path

import pytest

from imp_core.errors import BadInput
from imp_core.outbound.open import channel_context, channel_settings, open_runner, resolved_hosts, shown_hosts
from imp_core.plugin_enabling import enable

MANIFEST = """
    [plugin]
    name = "{name}"
    spec_version = 1
    identifiers = ["phone"]
    hosts = ["{{host}}"]
    secrets = ["token", "pass_word"]
    [purposes]
    collect = ["analytics"]
"""


@pytest.fixture
def opened(site, imp_environ, context):
    """The stranger `sms-acme` in a workspace whose `imp.toml` ends with a text."""
    folder = Path(imp_environ["IMP_HOME"])
    head = '[workspace]\nlog_id = "test-log"\ncontroller = "Test"\n'
    (folder / "imp.toml").write_text(head, encoding="utf-8")
    site.install("sms-acme", manifest=MANIFEST)
    module = site.folder / "stranger_sms_acme_x" / "plugin.py"
    module.write_text(module.read_text().replace("{name}", "sms-acme"))
    enable(context, "sms-acme")

    def opened(text):
        with (folder / "imp.toml").open("a", encoding="utf-8") as file:
            file.write(text)
        context.reload_workspace()
        return context

    return opened


def test_settings_are_the_channels_own_table(opened):
    context = opened('[channels.sms-acme]\nhost = "a.example.com"\nport = 25\nlist = ["a"]\n[channels.other]\nx = 1\n')
    assert channel_settings(context, "sms-acme") == {"host": "a.example.com", "port": 25, "list": ["a"]}
    assert channel_settings(context, "none") == {}


def test_secrets_are_those_the_manifest_names_and_the_environment_holds(opened, imp_environ):
    imp_environ |= {"IMP_SMS_ACME_TOKEN": "t0ken", "IMP_SMS_ACME_OTHER": "x", "IMP_OTHER_TOKEN": "y", "TOKEN": "z"}
    context = channel_context(opened(""), "sms-acme")
    assert context.secrets == {"token": "t0ken"}
    assert "t0ken" not in repr(context)
    assert context.now_us == 1_772_366_400_000_000


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("channels = 1\n", r"imp\.toml, \[channels\]"),
        ("[channels]\nsms-acme = 1\n", r"must be a table; imp\.toml, \[channels\.sms-acme\]"),
        ("[channels.sms-acme]\nhost = 2026-01-01\n", "host must be a text, a number"),
        ("[channels.sms-acme]\nhost = [1]\n", "host must be a text, a number"),
        ("[channels.sms-acme.host]\nx = 1\n", "host must be a text, a number"),
        ("", "the setting host is missing"),
        ("[channels.sms-acme]\nhost = 5\n", "the setting host is no host name"),
        ('[channels.sms-acme]\nhost = " "\n', "the setting host is no host name"),
    ],
)
def test_settings_of_another_shape_are_named(opened, text, problem):
    if text.startswith("channels"):
        context = opened("")
        path = context.workspace.root / "imp.toml"
        path.write_text(text + path.read_text())
        context.reload_workspace()
    else:
        context = opened(text)
    with pytest.raises(BadInput, match=problem):
        open_runner(context, "sms-acme")


def test_hosts_are_resolved_by_settings_and_written_small():
    settings = {"host": "SMTP.Example.com"}
    hosts = ("{host}", "API.example.com", "{other}")
    assert resolved_hosts(hosts[:2], settings, channel="x") == ("smtp.example.com", "api.example.com")
    with pytest.raises(BadInput, match=r"the setting other is missing; imp\.toml, \[channels\.x\]"):
        resolved_hosts(hosts, settings, channel="x")
    assert shown_hosts(hosts, settings, channel="x") == (
        "smtp.example.com (setting host)", "API.example.com", "{other} (not set: [channels.x] other)",
    )  # fmt: skip
