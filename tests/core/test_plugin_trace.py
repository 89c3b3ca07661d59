"""Enabling leaves an entry that keeps the manifest, and `imp plugin trace` shows what a plugin did and may do."""

from __future__ import annotations

import hashlib
import sqlite3

import pytest

from imp_core.plugin_enabling import disable, enable
from imp_core.plugin_trace import trace_plugin


@pytest.fixture
def shop(imp_here, context):
    """A workspace with a ledger."""
    imp_here("init", str(imp_here.workspace), "--controller", "Shop").ok()
    return context


def test_enabling_says_in_the_ledger_what_was_enabled_and_keeps_the_manifest(site, shop, imp_here):
    module = site.install()
    manifest = (site.folder / module.partition(".")[0] / "imp-plugin.toml").read_bytes()
    enable(shop, "acme")
    (entry,) = shop.ledger.entries("plugin-enable")
    sha256 = hashlib.sha256(manifest).hexdigest()
    assert entry.fields == {
        "name": "acme", "version": "1.0", "enabled": True, "manifest_sha256": sha256,
        "purposes": {"collect": ["analytics"]}, "hosts": ["sms.example.com"], "addresses": "none",
        "withdrawals": False,
    }  # fmt: skip
    assert entry.actor == "tester"
    assert shop.ledger.document(sha256) == manifest
    disable(shop, "acme")
    assert [entry.fields["enabled"] for entry in shop.ledger.entries("plugin-enable")] == [True, False]
    assert "ok: everything agrees" in imp_here("audit", "verify").ok().out


def test_a_manifest_that_the_ledger_lost_is_found_by_verify(site, shop, imp_here):
    site.install()
    enable(shop, "acme")
    (entry,) = shop.ledger.entries("plugin-enable")
    shop.close()
    triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'policy'"
    with sqlite3.connect(imp_here.workspace / "ledger.db") as sql:
        for (name,) in sql.execute(triggers).fetchall():
            sql.execute(f"DROP TRIGGER {name}")
        sql.execute("DELETE FROM policy WHERE sha256 = ?", (entry.fields["manifest_sha256"],))
    sql.close()
    answer = imp_here("audit", "verify")
    assert answer.code == 1
    assert "(plugin-enable) names a document that is not stored" in answer.out


def test_nothing_is_enabled_where_the_ledger_cannot_say_so(site, shop, imp_here):
    site.install()
    for key in imp_here.keys.rglob("*"):
        if key.is_file():
            key.unlink()
    before = (imp_here.workspace / "imp.toml").read_text()
    assert imp_here("plugin", "enable", "acme").code == 3
    assert (imp_here.workspace / "imp.toml").read_text() == before


def test_a_plugin_can_be_disabled_though_the_ledger_cannot_say_so(site, shop, imp_here):
    site.install()
    imp_here("plugin", "enable", "acme").ok()
    for key in imp_here.keys.rglob("*"):
        if key.is_file():
            key.unlink()
    assert imp_here("plugin", "disable", "acme").code == 3
    assert "acme" not in (imp_here.workspace / "imp.toml").read_text()


def test_enabling_shows_what_it_may_with_the_hosts_as_they_are_here(site, shop, imp_here):
    manifest = """
    [plugin]
    name = "{name}"
    spec_version = 1
    identifiers = ["email"]
    hosts = ["{{host}}", "{{other}}", "API.example.com"]
    addresses = "resolve"
    secrets = ["password"]
    exposures = true
    [purposes]
    activate = ["marketing.*"]
    """
    site.install(code="", manifest=manifest)
    with (imp_here.workspace / "imp.toml").open("a") as file:
        file.write('[channels.acme]\nhost = "Smtp.example.com"\n')
    out = imp_here("plugin", "enable", "acme").out
    assert out.splitlines() == [
        "acme 1.0 (loaded)",
        "  may activate: marketing.*",
        "  identifiers: email",
        "  hosts: smtp.example.com (setting host), {other} (not set: [channels.acme] other), API.example.com",
        "  secrets: password",
        "  sees addresses: one at a time",
        "  hears who met which variant: yes",
        "  hears whose permission ended: no",
    ]


def test_a_trace_shows_when_by_whom_what_it_brought_and_what_went_through_it(shop, imp_here, tmp_path):
    enable(shop, "file")
    shop.close()
    consent = ("consent", "record", "member:1", "--purpose", "analytics", "--state", "given")
    imp_here(*consent, "--at", "2026-01-01T00:00:00Z").ok()
    header = "type,identifier,at,purpose,id\n"
    for name, who in (("one", "1"), ("two", "2")):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"{header}touchpoint,member:{who},2026-02-01T00:00:00Z,analytics,{name}\n")
        imp_here("ingest", "file", str(path)).ok()
    found = imp_here("plugin", "trace", "file", "--json").ok().json
    assert found["hooks"] == ["imp_register_channel"]
    assert found["registered"] == ["channel file"]
    assert found["load_seconds"] >= 0
    (enabled,) = found["enabled"]
    assert (enabled["actor"], enabled["enabled"], enabled["version"]) == ("tester", True, "0.1.0")
    (trail,) = found["trail"]
    assert (trail["type"], trail["entries"]) == ("collect", 2)
    assert trail["counts"] == {"denied, no_record": 1, "duplicates": 0, "n": 1, "rejected": 0, "signals": 0}
    text = imp_here("plugin", "trace", "file").ok().out
    assert "enabled 0.1.0 by tester (entry " in text
    assert "  collect: 2 entries, 2026-03-01T12:00:00Z to 2026-03-01T12:00:00Z\n" in text


def test_a_trace_lists_the_modules_its_import_brought(site, shop):
    site.install("acme", "import stranger_acme_x.helper\nfrom imp_core.hookspecs import hookimpl\n")
    (site.folder / "stranger_acme_x" / "helper.py").write_text("")
    enable(shop, "acme")
    found = trace_plugin(shop, "acme")
    assert found.modules == ("stranger_acme_x", "stranger_acme_x.helper", "stranger_acme_x.plugin")


def test_a_trace_without_a_workspace_or_before_enabling_says_what_there_is(imp_here, site):
    site.install()
    found = imp_here("plugin", "trace", "acme", "--json").ok().json
    assert (found["state"], found["ledger"], found["load_seconds"], found["modules"]) == (
        "not enabled",
        False,
        None,
        [],
    )
    assert "no ledger here to ask" in imp_here("plugin", "trace", "acme").ok().out
