"""Who a channel's identifiers are: looked up, never created; raw ids live no longer than one chunk of rows."""

from __future__ import annotations

from typing import NamedTuple

from imp_consent.identity.normalize import KINDS, normalise
from imp_consent.identity.pseudonym import pseudonymize
from imp_consent.ledger.reader import Reader
from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["NOBODY", "People", "Person"]


class Person(NamedTuple):
    """A known subject, or somebody unknown under a pseudonym that is never stored."""

    subject: int | None
    pseudonym: bytes = b""


NOBODY = Person(None)


class People:
    """The people of one chunk of rows, as of one snapshot."""

    def __init__(self, reader: Reader) -> None:
        self._find = reader.subjects.find_normalised
        self._pepper = reader.keyring.peppers()[0].secret
        self._known: dict[RawId, Person] = {}

    def look_up(self, raw: RawId) -> Person:
        """Who an identifier is.

        Raises:
            BadInput: it is malformed. Its value is not repeated.
        """
        person = self._known.get(raw)
        if person is None:
            person = self._known[raw] = self._look_up(raw)
        return person

    def _look_up(self, raw: RawId) -> Person:
        if raw.kind not in KINDS:
            raise BadInput("unknown kind of identifier")  # the kind may be half of a value
        try:
            normalised = normalise(raw)
            pseudonym = pseudonymize(self._pepper, normalised)
        except UnicodeEncodeError:
            raise BadInput("not text that can be written") from None
        subject = self._find(normalised)
        return Person(None, pseudonym) if subject is None else Person(subject)
