"""The entry point: registers the channel and imports nothing but imp_core until core asks for it."""

from __future__ import annotations

from collections.abc import Iterable

from imp_core.channel import Channel
from imp_core.hookspecs import hookimpl

__all__ = ["imp_register_channel"]


@hookimpl
def imp_register_channel() -> Iterable[Channel]:
    """Bring the channel `email`."""
    from imp_channel_email.channel import EmailChannel  # noqa: PLC0415 (`imp --help` imports entry points only)

    return [EmailChannel()]
