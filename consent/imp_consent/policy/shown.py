"""Which notice a saying rests on: the one that is named, or the newest that names the purpose, when it was said."""

from __future__ import annotations

from collections.abc import Sequence

from imp_consent.policy.notice import RegisteredNotice, find_notices
from imp_consent.policy.saying import Saying
from imp_core.errors import BadInput

__all__ = ["Shown"]


class Shown:
    """The notices of a ledger, looked through once for each question."""

    def __init__(self, notices: Sequence[RegisteredNotice]) -> None:
        self._notices = notices
        self._found: dict[tuple[str, str | None, str | None], list[RegisteredNotice]] = {}

    def choose(self, said: Saying) -> RegisteredNotice | None:
        """The notice; None where none is named and none names the purpose.

        Raises:
            BadInput: the one that is named does not exist or does not name the purpose.
        """
        key = (said.purpose, said.notice, said.language)
        if key not in self._found:
            self._found[key] = self._naming(*key)
        found = self._found[key]
        then = (notice for notice in found if notice.at_us <= said.at_us)
        return next(then, next(iter(found), None))

    def _naming(self, purpose: str, word: str | None, language: str | None) -> list[RegisteredNotice]:
        """Those in question, newest first."""
        named = find_notices(self._notices, word, language=language)
        if word is not None and not named:
            raise BadInput("no notice has this name or hash", where="notice", mend="see: imp consent notice list")
        found = [notice for notice in named if purpose in notice.notice.purposes]
        if word is not None and not found:
            raise BadInput("the notice does not name this purpose", where="notice", mend="see: imp consent notice list")
        return found
