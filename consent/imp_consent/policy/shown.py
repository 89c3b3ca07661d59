"""Which notice a saying rests on: the one that is named, or the newest that names the purpose, when it was said.

A version may stand in several languages. Nobody guesses in which of them a person read it: a consent says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from imp_consent.policy.notice import RegisteredNotice
from imp_consent.policy.notice_search import find_notices, other_languages
from imp_consent.policy.rules import NOTICE_BASES
from imp_consent.policy.saying import Saying
from imp_core.errors import BadInput

__all__ = ["Shown"]

_SEE = "see: imp consent notice list"


class Shown:
    """The notices of a ledger, looked through once for each question."""

    def __init__(self, notices: Sequence[RegisteredNotice]) -> None:
        self._notices = notices
        self._found: dict[tuple[str, str | None, str | None], list[RegisteredNotice]] = {}

    def choose(self, said: Saying) -> RegisteredNotice | None:
        """The notice; None where none is named and none names the purpose, or a no does not say its language.

        Raises:
            BadInput: the one that is named does not exist, does not name the purpose, or is not in the language; or it
                stands in several languages, and in which it was shown is not said.
        """
        key = (said.purpose, said.notice, said.language)
        if key not in self._found:
            self._found[key] = self._naming(*key)
        known = [notice for notice in self._found[key] if notice.at_us <= said.at_us] or self._found[key]
        if not known:
            return None
        chosen, languages = known[0], _languages(known)
        if len(languages) == 1 or said.language is not None or (said.notice and chosen.sha256.startswith(said.notice)):
            return chosen
        if not _must_be_shown(said):
            return None
        raise BadInput(
            f"the notice {chosen.notice.name} stands in several languages: in which was it shown?",
            where="language",
            mend=f"one of: {', '.join(languages)}",
        )

    def _naming(self, purpose: str, word: str | None, language: str | None) -> list[RegisteredNotice]:
        """Those in question, newest first."""
        named = find_notices(self._notices, word)
        if word is not None and not named:
            raise BadInput("no notice has this name or hash", where="notice", mend=_SEE)
        found = [notice for notice in named if purpose in notice.notice.purposes]
        if word is not None and not found:
            raise BadInput("the notice does not name this purpose", where="notice", mend=_SEE)
        spoken = [notice for notice in found if notice.speaks(language)]
        if found and not spoken:
            raise other_languages(found, language or "")
        return spoken


def _languages(known: Sequence[RegisteredNotice]) -> list[str]:
    """Those in which the version that comes first stands."""
    first = known[0].notice
    same = (found.notice for found in known if (found.notice.name, found.notice.version) == (first.name, first.version))
    return sorted({notice.language for notice in same})


def _must_be_shown(said: Saying) -> bool:
    """A consent, and a basis that is a notice, are nothing without what was read; a no is one in whatever language."""
    return said.type == "grant" or said.basis in NOTICE_BASES
