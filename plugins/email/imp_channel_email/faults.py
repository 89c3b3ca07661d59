"""What goes wrong with one row, inside the channel: none of these leaves it, and none holds an address."""

from __future__ import annotations

from imp_channel_email.reply import Verdict

__all__ = ["ConnectionLost", "NotTaken", "Unsendable"]


class Unsendable(Exception):
    """A row that cannot be sent from here; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NotTaken(Exception):
    """The server answered a transaction with no; after LIMITED and BROKEN the connection is closed."""

    def __init__(self, verdict: Verdict, code: str) -> None:
        super().__init__(verdict.value)
        self.verdict = verdict
        self.code = code


class ConnectionLost(Exception):
    """The connection broke and is closed; `taken` says whether the server may have taken the message before."""

    def __init__(self, *, taken: bool) -> None:
        super().__init__("the connection broke")
        self.taken = taken
