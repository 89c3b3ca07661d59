"""What the reader of a row notes, for the import to warn of once the row is taken."""

from __future__ import annotations

from typing import Final

__all__ = ["NO_CHANNEL", "UNREAD"]

NO_CHANNEL: Final = "no channel"  # the row has a cell for it, which is empty
UNREAD: Final = "unread"  # of a no: a value that cannot be read, in a field that means nothing for it
