"""`imp plugin check`: code and manifest say the same, the channel could work now; what does not hold is named."""

from __future__ import annotations

import pytest

MANIFEST = """
    [plugin]
    name = "{name}"
    spec_version = 1
    identifiers = ["phone"]
    hosts = ["{{host}}"]
    secrets = ["token"]
    [purposes]
    collect = ["analytics"]
"""
CODE = """
from imp_core.channel import *
from imp_core.hookspecs import hookimpl

class Acme:
    info = ChannelInfo(
        name="acme", version="1.0", identifiers=(IdentifierSpec(kind="phone"),),
        purposes={"collect": ("analytics",)}, hosts=("{host}",), supports={"ingest": "full"},
    )
    def check(self, ctx):
        held = (ctx.settings.get("host"), ctx.secrets.get("token"))
        return CheckResult(ok=held == ("sms.example.com", "t0ken"), detail="asked")
    def forget(self, ctx, batch):
        return DeliveryReport(rows=[])
    def ingest(self, ctx, source):
        return []

@hookimpl
def imp_register_channel():
    return [Acme()]
"""
SETTINGS = '\n[channels.acme]\nhost = "sms.example.com"\n'


@pytest.fixture
def checked(site, workspace, imp_here):
    """`checked(("old", "new"), …)`: install the stranger with its code edited, enable it, and check it."""

    def checked(*edits, settings=SETTINGS, manifest=MANIFEST, enable=True, token="t0ken"):  # noqa: S107 (of a stranger that is thrown away)
        source = CODE
        for old, new in edits:
            assert old in source
            source = source.replace(old, new)
        site.install("acme", source, manifest=manifest)
        path = workspace / "imp.toml"
        path.write_text(path.read_text() + settings)
        if enable:
            site.pin()
        answer = imp_here("plugin", "check", "acme", "--json", **({"IMP_ACME_TOKEN": token} if token else {}))
        assert (answer.code == 0) == answer.json["ok"]
        return answer.json, {check["name"]: check["detail"] for check in answer.json["checks"] if not check["ok"]}

    return checked


def test_a_plugin_that_is_what_it_says_passes(checked):
    result, broken = checked()
    assert broken == {}
    assert result["ran"] is True
    assert [check["name"] for check in result["checks"]] == [
        "state", "manifest", "hooks", "name", "version", "purposes", "identifiers", "hosts", "told of",
        "methods", "secret token", "check",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("edit", "name", "detail"),
    [
        (('version="1.0"', 'version="1.1"'), "version", "in the code: 1.1; only in the manifest or distribution: 1.0"),
        (('name="acme"', 'name="acme2"'), "state", "its channel is called acme2, not acme"),
        (('("analytics",)', "()"), "purposes", "only in the manifest or distribution: collect analytics"),
        (('(IdentifierSpec(kind="phone"),)', "()"), "identifiers", "only in the manifest or distribution: phone"),
        (('hosts=("{host}",)', "hosts=()"), "hosts", "only in the manifest or distribution: {host}"),
        (('{"ingest": "full"}', "{}"), "methods", "not declared in supports: ingest"),
        (("return CheckResult", "return bool"), "check", "the plugin raised TypeError"),
        (("ok=held", "ok=not held"), "check", "asked"),
        (("held = ", "raise SystemExit\n        held = "), "check", "the plugin raised SystemExit"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_named(checked, edit, name, detail):
    _, broken = checked(edit)
    assert detail in broken[name]


@pytest.mark.parametrize(("key", "capability"), [("withdrawals", "withdrawn"), ("exposures", "exposed")])
@pytest.mark.parametrize("said_by", [(), ("code",), ("manifest",), ("code", "manifest")])
def test_what_a_channel_is_told_unasked_stands_in_its_code_and_manifest_or_in_neither(
    checked, key, capability, said_by
):
    edits = [
        ('{"ingest": "full"}', f'{{"ingest": "full", "{capability}": "partial"}}'),
        ("    def ingest(", f"    def {capability}(self, ctx, batch):\n        return None\n    def ingest("),
    ]
    manifest = MANIFEST.replace("    [purposes]", f"    {key} = true\n    [purposes]")
    _, broken = checked(*(edits if "code" in said_by else ()), manifest=manifest if "manifest" in said_by else MANIFEST)
    alone = {
        ("code",): {"state": f"its channel declares more than its manifest: capability {capability}"},
        ("manifest",): {"told of": f"only in the manifest or distribution: {capability}"},
    }
    assert broken == alone.get(said_by, {})


def test_a_channel_that_lacks_what_it_declares_is_broken_and_the_check_says_why(checked):
    _, broken = checked(('{"ingest": "full"}', '{"deliver": "full"}'))
    assert broken == {"state": "its channel lacks: plan, deliver"}


def test_a_missing_setting_that_names_a_host_is_named(checked):
    _, broken = checked(settings="")
    assert broken == {"check": "the setting host is missing"}


def test_secrets_come_from_the_environment_by_the_manifests_names(checked):
    _, broken = checked(token="another")  # noqa: S106 (of a stranger that is thrown away)
    assert broken == {"check": "asked"}


def test_of_a_plugin_that_is_not_enabled_only_the_manifest_is_read(checked, site):
    result, broken = checked(("from imp_core.channel", "raise AssertionError\nfrom imp_core.channel"), enable=False)
    assert (result["ran"], broken) == (False, {})


def test_a_manifest_that_cannot_be_read_does_not_hold(checked):
    _, broken = checked(manifest="[plugin", enable=False)
    assert "not TOML" in broken["manifest"]


def test_parts_of_the_framework_can_be_checked_too(imp_here, workspace):
    assert imp_here("plugin", "check", "consent").ok().out.startswith("consent 0.1.0\nok   state: loaded\nok   hooks: ")


def test_an_unknown_plugin_is_wrong_usage(imp_here, workspace):
    assert imp_here("plugin", "check", "nobody").code == 2
    assert imp_here("plugin", "trace", "nobody").code == 2


def test_the_text_says_what_to_do(checked, imp_here):
    checked(settings="")
    answer = imp_here("plugin", "check", "acme")
    assert answer.code == 1
    assert "NOT OK  check: the setting host is missing\n        name the host: host =" in answer.out


def test_a_secret_that_is_not_there_is_named_and_counts_where_the_channel_says_no(checked):
    _, broken = checked(token=None)
    assert broken["secret token"] == "IMP_ACME_TOKEN is not set"


def test_a_channel_that_does_without_its_secret_passes_and_the_note_stays(checked):
    result, broken = checked(('"t0ken"', "None"), token=None)
    assert broken == {}
    notes = {check["name"]: check["detail"] for check in result["checks"]}
    assert notes["secret token"] == "IMP_ACME_TOKEN is not set"


def test_what_its_check_raises_is_told_with_its_place(checked):
    _, broken = checked(("held = ", "{}['zoe']\n        held = "))
    assert broken["check"] == "the plugin raised KeyError at stranger_acme_x/plugin.py:11"
