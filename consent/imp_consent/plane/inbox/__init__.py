"""Events that are acknowledged one small lot after the other, and wait in the ledger's database to be compacted."""

from imp_consent.plane.inbox.accept import LIMIT, Accepted, accept, accept_in
from imp_consent.plane.inbox.rows import channels_waiting, own_waiting, remove, select_rows
from imp_consent.plane.inbox.tally import Counts, add_tally, take_tally

__all__ = [
    "LIMIT",
    "Accepted",
    "Counts",
    "accept",
    "accept_in",
    "add_tally",
    "channels_waiting",
    "own_waiting",
    "remove",
    "select_rows",
    "take_tally",
]
