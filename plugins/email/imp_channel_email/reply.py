"""What a server's answer means for a row: pure, and without the server's words, which may name people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["Reply", "Stage", "Verdict", "judge"]

# RFC 3463 section 2, at the start of the text (RFC 2034); its class must be the reply's own.
_ENHANCED = re.compile(rb"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])")
_SERVICE_NOT_AVAILABLE, _NO_ACCESS = 421, 530
_NUMBERS: Final = range(200, 600)
_TOO_MANY: Final = frozenset(("4.3.2", "4.4.5", "4.5.3", "4.7.28"))


class Stage(StrEnum):
    """Which command of a transaction was answered."""

    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    END = "end"


class Verdict(StrEnum):
    """What an answer means: go on, or what becomes of the row or of all rows."""

    GO_ON = "go on"
    REFUSED = "refused"
    DEFERRED = "deferred"
    LIMITED = "limited"
    UNAUTHORISED = "unauthorised"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply code and the enhanced status code that came with it, or else the reply code's digits."""

    number: int
    code: str

    @classmethod
    def read(cls, number: int, text: bytes) -> Reply:
        """Keep of an answer what cannot name anybody."""
        match = _ENHANCED.match(text)
        enhanced = match.group(1).decode("ascii") if match else ""
        usable = enhanced and enhanced[0] == str(number)[0]
        return cls(number=number, code=enhanced if usable else str(number) if number in _NUMBERS else "no-reply-code")


def judge(stage: Stage, reply: Reply) -> Verdict:
    """What an answer at a stage means; the row has not been taken unless the end of data was answered with 2xx."""
    kind = reply.number // 100
    if reply.number == _SERVICE_NOT_AVAILABLE or reply.code in _TOO_MANY:
        return Verdict.LIMITED
    if reply.number == _NO_ACCESS or (stage is Stage.MAIL and kind == 5 and reply.number != 552):  # noqa: PLR2004 (RFC 5321 section 4.2)
        # Who may not say MAIL may send to nobody (552: this message is too large).
        return Verdict.UNAUTHORISED
    wanted = 3 if stage is Stage.DATA else 2
    return {wanted: Verdict.GO_ON, 4: Verdict.DEFERRED, 5: Verdict.REFUSED}.get(kind, Verdict.BROKEN)
