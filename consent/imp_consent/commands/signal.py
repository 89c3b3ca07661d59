"""`imp consent signal`: what browsers, replies and mail servers say, recorded; what is honoured of it, shown."""

from __future__ import annotations

from typing import Final

import click

from imp_consent.commands.lazy import LazyGroup

__all__ = ["signal"]

_HERE: Final = "imp_consent.commands."
_COMMANDS: Final = {
    "consent-mode": (f"{_HERE}consent_mode:consent_mode_command", "Google Consent Mode v2 states of somebody."),
    "import": (f"{_HERE}signal_record:signal_import_command", "Record the signals of a file, all rows or none."),
    "link": (f"{_HERE}signal_link:signal_link_command", "Link a device to a person, or end that."),
    "record": (f"{_HERE}signal_record:signal_record_command", "Record one signal."),
    "status": (f"{_HERE}signal_status:signal_status_command", "Whether an opt-out signal is honoured."),
}


@click.group("signal", cls=LazyGroup, targets=_COMMANDS)
def signal() -> None:
    """Record what browsers, replies and mail servers say, and show what is honoured of it.

    Example: imp consent signal record device:tab-1 --kind gpc --raw 1 --channel web
    """
