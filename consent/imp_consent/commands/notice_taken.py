"""Which notice an entry says was shown, as commands answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from imp_consent.policy.notice import RegisteredNotice

__all__ = ["OLDER_THAN_NOTICE", "NoticeTaken", "notice_taken", "notice_taken_text", "short_hash"]

_DIGITS = 16
OLDER_THAN_NOTICE: Final = (
    "this yes is older than every notice registered here that names the purpose: it was put on record with the oldest "
    "of its texts; if another one was shown, register that and name it by its hash: --notice HASH"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeTaken:
    """The notice that an entry rests on, in the language in which it was shown."""

    name: str
    version: int
    language: str
    sha256: str


def notice_taken(found: RegisteredNotice | None) -> NoticeTaken | None:
    """A registered notice as an answer names it; None where an entry rests on none."""
    if found is None:
        return None
    words = found.notice
    return NoticeTaken(name=words.name, version=words.version, language=words.language, sha256=found.sha256)


def short_hash(sha256: str) -> str:
    """A hash as people compare it; its first digits name the notice wherever a hash does."""
    return f"{sha256[:_DIGITS]}…"


def notice_taken_text(taken: NoticeTaken | None) -> str:
    """Words to append; empty where there is none."""
    if taken is None:
        return ""
    return f"; notice shown: {taken.name} version {taken.version} ({taken.language}) {short_hash(taken.sha256)}"
