"""The plugin `file` as core sees it: what it declares is what its manifest says, and it enters by the common door."""

from __future__ import annotations

from imp_channel_file.channel import FileChannel
from imp_core.channel import Channel, ChannelContext, Support
from imp_core.manifest import read_manifest


def test_the_channel_declares_what_its_manifest_says():
    info, manifest = FileChannel().info, read_manifest("imp_channel_file")
    assert (info.name, info.spec_version) == (manifest.name, manifest.spec_version)
    assert {str(action): tuple(names) for action, names in info.purposes.items()} == dict(manifest.purposes)
    assert [spec.kind for spec in info.identifiers] == list(manifest.identifiers)
    assert list(info.hosts) == list(manifest.hosts) == []
    assert manifest.exceeded_by(info) == ""


def test_the_channel_is_one_and_has_nothing_to_connect_to():
    channel = FileChannel()
    assert isinstance(channel, Channel)
    assert channel.check(ChannelContext(settings={}, now_us=0)).ok
    assert channel.info.supports["ingest"] is Support.FULL


def test_the_channel_is_there_once_the_plugin_is_enabled(imp_here):
    imp_here("init").ok()
    assert "imp plugin enable file" in imp_here("ingest", "file", "none.csv").err
    imp_here("plugin", "enable", "file").ok()
    assert "no such file" in imp_here("ingest", "file", "none.csv").err


def test_a_purpose_that_the_workspace_added_comes_in(imp_here):
    imp_here("init").ok()
    imp_here("plugin", "enable", "file").ok()
    (imp_here.workspace / "visits.csv").write_text(
        "type,identifier,at,purpose,name\noutcome,member:1,2026-02-01T00:00:00Z,marketing.sms,reply\n"
    )
    refused = imp_here("ingest", "file", "visits.csv")
    assert "row 1, purpose: unknown purpose" in refused.err
    words = ("--description", "We text you offers.", "--trait", "direct-marketing")
    imp_here("consent", "purpose", "add", "marketing.sms", *words).ok()
    unknown = imp_here("ingest", "file", "visits.csv", "--dry-run", "--json").ok().json
    assert (unknown["admitted"], unknown["denied"]) == (0, {"no_record": 1})
