"""Finding a registered notice: by its name or hash, by the purpose it asks for, in the language people read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from imp_consent.policy.notice import RegisteredNotice
from imp_core.errors import BadInput

__all__ = ["find_notice", "find_notices", "is_hash_of", "newest_notice", "other_languages"]

_HASH_PREFIX: Final = re.compile(r"[0-9a-f]{8,64}")


def newest_notice(notices: Sequence[RegisteredNotice], purpose: str) -> RegisteredNotice | None:
    """The newest notice that names a purpose."""
    return next((found for found in reversed(notices) if purpose in found.notice.purposes), None)


def find_notice(notices: Sequence[RegisteredNotice], word: str, *, language: str | None = None) -> RegisteredNotice:
    """A notice by its name (the newest version), its SHA-256 or the first eight or more digits of it.

    Raises:
        BadInput: there is none, or none in this language.
    """
    found = find_notices(notices, word)
    if not found:
        raise BadInput("no notice has this name or hash", where="notice", mend="see: imp consent notice list")
    spoken = next((notice for notice in found if notice.speaks(language)), None)
    if spoken is None:
        raise other_languages(found, language or "")
    return spoken


def other_languages(found: Sequence[RegisteredNotice], language: str) -> BadInput:
    """That these notices are in other languages than one, naming those, a near one first: zh-Hans is near to zh."""
    primary = language.partition("-")[0].casefold()
    there = sorted({notice.notice.language for notice in found}, key=lambda tag: (not _is_of(tag, primary), tag))
    near = [tag for tag in there if _is_of(tag, primary)]
    return BadInput(
        "no such notice is in this language",
        where="language",
        mend=f"{f'--language {near[0]}; ' if len(near) == 1 else ''}it is there in: {', '.join(there)}",
    )


def find_notices(notices: Sequence[RegisteredNotice], word: str | None) -> list[RegisteredNotice]:
    """All of a name or hash, or with None simply all; newest first.

    An older version that was taken over from elsewhere later comes last.
    """
    newest: dict[str, int] = {}
    late = set()
    for found in notices:
        name, version = found.notice.name, found.notice.version
        newest[name] = max(version, newest.get(name, version))
        if version < newest[name]:
            late.add(found.seq)
    return [
        found
        for found in sorted(notices, key=lambda found: (found.seq in late, -found.seq))
        if word is None or word == found.notice.name or is_hash_of(word, found)
    ]


def is_hash_of(word: str | None, found: RegisteredNotice) -> bool:
    """Whether a word is the hash of a notice or begins it; fewer than eight digits are a name, such as `ad`."""
    return word is not None and _HASH_PREFIX.fullmatch(word) is not None and found.sha256.startswith(word)


def _is_of(tag: str, primary: str) -> bool:
    return tag.partition("-")[0].casefold() == primary
