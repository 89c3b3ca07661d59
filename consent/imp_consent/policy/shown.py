"""Which notice a saying rests on: the one that is named, or the newest that names the purpose, when it was said.

What was said before any of its versions was registered rests on the oldest: no later words are ascribed to it, and
`predates` tells whoever wrote it down. A notice may stand in several languages. Nobody guesses in which of them a
person read it: a consent says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from imp_consent.policy.notice import RegisteredNotice
from imp_consent.policy.notice_search import find_notices, is_hash_of, other_languages
from imp_consent.policy.rules import NOTICE_BASES
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import DENYING, lineage
from imp_core.errors import BadInput

__all__ = ["Shown", "predates", "texts_standing"]

_SEE = "see: imp consent notice list"


class Shown:
    """The notices of a ledger, looked through once for each question."""

    def __init__(self, notices: Sequence[RegisteredNotice]) -> None:
        self._notices = notices
        self._found: dict[tuple[str, str | None, str | None], list[RegisteredNotice]] = {}

    def choose(self, said: Saying) -> RegisteredNotice | None:
        """The notice; None where none is named and none names the purpose, or a no does not say its language.

        A no rests on none, too, where there is none such as it names: it is not refused for that.

        Raises:
            BadInput: of a yes: the one that is named does not exist, does not name the purpose, or is not in the
                language; or it stands in several languages, and in which it was shown is not said.
        """
        found = self._named(said)
        then = [notice for notice in found if notice.at_us <= said.at_us]
        if not found:
            return None
        standing = texts_standing(then, said.purpose) if then else _first_standing(found, said.purpose)
        chosen, languages = standing[0], sorted({notice.notice.language for notice in standing})
        if len(languages) == 1 or said.language is not None or is_hash_of(said.notice, chosen):
            return chosen
        if not _must_be_shown(said):
            return None
        there = ", ".join(languages)
        raise BadInput(
            f"the notice {chosen.notice.name} stands in several languages ({there}): in which was it shown?",
            where="language",
            mend=f"one of: {there}",
        )

    def _named(self, said: Saying) -> list[RegisteredNotice]:
        key = (said.purpose, said.notice, said.language)
        if key not in self._found:
            try:
                self._found[key] = self._naming(*key)
            except BadInput:
                if said.type not in DENYING:
                    raise
                return []
        return self._found[key]

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


def predates(said: Saying, shown: RegisteredNotice | None) -> bool:
    """Whether a yes is older than the registration of the text it rests on, and nobody said that it was this text.

    A hash says it: a notice may be registered after it was shown.
    """
    if shown is None or shown.at_us <= said.at_us or not _must_be_shown(said):
        return False
    return not is_hash_of(said.notice, shown)


def texts_standing(then: Sequence[RegisteredNotice], purpose: str) -> list[RegisteredNotice]:
    """Of what was registered by then, newest first: the texts of the newest notice that no other one has replaced.

    An editorial version replaces none: who read the one before it, in whatever language, read the same.
    """
    same = [found for found in then if found.notice.name == then[0].notice.name]
    begun = max((found.notice.version for found in same if _changes(found, purpose)), default=1)
    return [found for found in same if found.notice.version >= begun]


def _first_standing(found: Sequence[RegisteredNotice], purpose: str) -> list[RegisteredNotice]:
    """Of all texts, newest first: those of the newest notice up to its first change in substance, the oldest first."""
    same = sorted(
        (one for one in found if one.notice.name == found[0].notice.name), key=lambda one: (one.notice.version, one.seq)
    )
    changed = [one.notice.version for one in same[1:] if _changes(one, purpose)]
    return [one for one in same if not changed or one is same[0] or one.notice.version < min(changed)]


def _changes(found: RegisteredNotice, purpose: str) -> bool:
    return not set(lineage(purpose)).isdisjoint(found.material or ())


def _must_be_shown(said: Saying) -> bool:
    """A consent, and a basis that is a notice, are nothing without what was read; a no is one in whatever language."""
    return said.type == "grant" or said.basis in NOTICE_BASES
