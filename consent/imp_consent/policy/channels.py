"""Which channels there are: the media everybody knows, the enabled plugins', imp.toml's, and those in the ledger."""

from __future__ import annotations

from typing import Final

from imp_consent.ledger.reader import Reader
from imp_consent.policy.house import House
from imp_consent.policy.misnamed import unknown_channel
from imp_consent.policy.project import TABLE
from imp_core.workspace import Workspace

__all__ = ["declared_channels", "expect_channel"]

# Media everybody knows; enabled plugins and [policy] channels of imp.toml add theirs.
_MEDIA: Final = frozenset({"ads", "app", "email", "phone", "post", "push", "sms", "social", "store", "web"})


def declared_channels(workspace: Workspace, house: House) -> frozenset[str]:
    """The channels of which something can be recorded now."""
    return _MEDIA | set(workspace.plugin_pins) | house.channels


def expect_channel(reader: Reader, workspace: Workspace, house: House, channel: str | None, *, where: str) -> None:
    """Expect that there is a channel that is asked about (None: none is), or was: some record or plugin named it.

    Raises:
        BadInput: nothing declares or knows it.
    """
    declared = declared_channels(workspace, house)
    if channel is None or channel in declared:
        return
    known = declared | _recorded(reader)
    if channel not in known:
        raise unknown_channel(channel, known, where=where)


def _recorded(reader: Reader) -> set[str]:
    """The channels of people's words, and the plugins that were enabled once."""
    found = reader.sql.execute(f"SELECT DISTINCT channel FROM {TABLE} WHERE channel <> ''")  # noqa: S608 (our own words)
    enabled = (entry.fields.get("name") for entry in reader.system_entries("plugin-enable"))
    return {str(channel) for (channel,) in found.fetchall()} | {name for name in enabled if isinstance(name, str)}
