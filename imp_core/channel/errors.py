"""What a channel may raise. Whatever else it raises breaks it, and only the exception's type is kept.

A channel's words are a stranger's and may hold an address, so an error carries a `code` of the peer's instead, such as
`5.1.1` or `http-429`.
"""

from __future__ import annotations

import re

from imp_core.errors import ImpError

__all__ = [
    "AuthInvalid",
    "ChannelError",
    "NotGranted",
    "PayloadInvalid",
    "Permanent",
    "RateLimited",
    "Retryable",
    "check_code",
]

_CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,31})")
_MANY_DIGITS = re.compile(r"[0-9]{7}")


def check_code(code: str) -> str:
    """The code itself, if it is at most 32 letters, digits, `.`, `_`, `-`, and cannot be an address or a number.

    Raises:
        ValueError: it is not so; the code is not repeated.
    """
    if not _CODE.fullmatch(code) or _MANY_DIGITS.search(code.replace("-", "")):
        raise ValueError("a code is at most 32 letters, digits, '.', '_', '-', and no number of seven digits or more")
    return code


class ChannelError(ImpError):
    """What the peer or the channel's settings prevented; `code` is the peer's."""

    def __init__(self, code: str, *, mend: str | None = None) -> None:
        self.code = check_code(code)
        super().__init__(f"{type(self).__name__}: {code}", mend=mend)


class Retryable(ChannelError):
    """Nothing of the rows not yet settled was taken; core tries again, `after` seconds from now at the earliest."""

    def __init__(self, code: str, *, after: float | None = None) -> None:
        super().__init__(code)
        self.after = after


class RateLimited(Retryable):
    """The peer asks for fewer calls; as `Retryable`."""


class Permanent(ChannelError):
    """The peer will never take the rows not yet settled: they are refused."""


class PayloadInvalid(ChannelError):
    """The content cannot be sent as it is: the rows not yet settled failed, and the send stops."""


class AuthInvalid(ChannelError):
    """The peer does not accept the credentials: nothing of the rows not yet settled was taken, and the send stops."""


class NotGranted(ImpError):
    """A channel asked for an address it was not given: another batch's, twice, too late, or for another purpose."""

    exit_code = 1
