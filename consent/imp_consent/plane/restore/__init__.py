"""Putting the ledger back from a backup, without bringing back anybody who was erased since."""

from imp_consent.plane.restore.restore import restore
from imp_consent.plane.restore.result import Restored, Site

__all__ = ["Restored", "Site", "restore"]
