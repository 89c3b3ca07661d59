"""Who a channel's identifiers are: looked up, never created; raw ids live no longer than one chunk of rows."""

from __future__ import annotations

from typing import NamedTuple

from imp_consent.identity.normalize import KINDS, normalise
from imp_consent.identity.pseudonym import pseudonymize
from imp_consent.ledger.alike import subjects_alike
from imp_consent.ledger.reader import Reader
from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["NOBODY", "People", "Person"]


class Person(NamedTuple):
    """A known subject, or somebody unknown under a pseudonym that is never stored."""

    subject: int | None
    pseudonym: bytes = b""


NOBODY = Person(None)
_REMEMBERED = 200_000  # by their pseudonyms, from chunk to chunk


class People:
    """Looks up the people of one source, chunk by chunk."""

    def __init__(self) -> None:
        self._reader: Reader
        self._pepper = b""
        self._by_raw: dict[RawId, Person] = {}
        self._by_pseudonym: dict[bytes, Person] = {}

    def begin(self, reader: Reader) -> None:
        """Go on with the next chunk in a snapshot of its own; the last one's raw identifiers are let go."""
        self._reader = reader
        self._pepper = reader.keyring.peppers()[0].secret
        self._by_raw.clear()
        if len(self._by_pseudonym) > _REMEMBERED:
            self._by_pseudonym.clear()

    def look_up(self, raw: RawId) -> Person:
        """Who an identifier is.

        Raises:
            BadInput: it is malformed. Its value is not repeated.
        """
        person = self._by_raw.get(raw)
        if person is None:
            person = self._by_raw[raw] = self._look_up(raw)
        return person

    def find(self, raw: RawId) -> int | None:
        """The subject of an identifier.

        Raises:
            BadInput: it is malformed. Its value is not repeated.
        """
        return self.look_up(raw).subject

    def alike(self, raw: RawId) -> list[int]:
        """The subjects of every spelling of an identifier.

        Raises:
            BadInput: it is malformed. Its value is not repeated.
        """
        return subjects_alike(self._reader, raw)

    def _look_up(self, raw: RawId) -> Person:
        if raw.kind not in KINDS:
            raise BadInput("unknown kind of identifier")  # the kind may be half of a value
        try:
            normalised = normalise(raw)
            pseudonym = pseudonymize(self._pepper, normalised)
        except UnicodeEncodeError:
            raise BadInput("not text that can be written") from None
        person = self._by_pseudonym.get(pseudonym)
        if person is None:
            subject = self._reader.subjects.find_normalised(normalised)
            person = Person(None, pseudonym) if subject is None else Person(subject)
            self._by_pseudonym[pseudonym] = person
        return person
