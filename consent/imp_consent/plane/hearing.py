"""Which channels want to hear of withdrawals: those that declare it, for the purposes of their manifest."""

from __future__ import annotations

from imp_core.channel import Capability
from imp_core.context import Context
from imp_core.errors import ImpError
from imp_core.plugins import PluginState, PluginStatus

__all__ = ["hearing_withdrawals", "hears"]


def hearing_withdrawals(ctx: Context, purpose: str) -> list[str]:
    """The enabled channels to tell of the end of a permission for a purpose; never raises for what a plugin is.

    One that is broken now cannot say whether it hears: word is left for it until it is whole again, and then seen.
    """
    pins = ctx.workspace.plugin_pins
    enabled = [status for status in ctx.plugins.statuses if status.name in pins and _asks_for(status, purpose)]
    return sorted({name for status in enabled for name in _channels(ctx, status)})


def hears(ctx: Context, channel: str) -> bool:
    """Whether an enabled channel declares that it hears of withdrawals.

    Raises:
        BadInput: there is none of this name among the enabled.
    """
    return ctx.plugins.channel(channel).info.serves(Capability.WITHDRAWN)


def _channels(ctx: Context, status: PluginStatus) -> list[str]:
    channels = ctx.plugins.channels_of(status.name)  # only then a plugin shows itself broken
    if status.state is not PluginState.LOADED:
        return [status.name]
    return [channel.info.name for channel in channels if channel.info.serves(Capability.WITHDRAWN)]


def _asks_for(status: PluginStatus, purpose: str) -> bool:
    try:
        manifest = status.manifest()
    except ImpError:
        return True  # it cannot be read now: as with what it does
    return manifest is None or any(manifest.allows(action, purpose) for action in manifest.purposes)
