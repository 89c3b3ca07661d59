"""The erasure of guardians by whose identifiers nobody is known: they stand in others' entries and nowhere else.

One transaction does all of it: the guardians are taken out, their tokens suppressed, and an `erased` entry says so, of
no person and of so many authorisations. The tokens are written outside first. So an erasure that dies leaves nothing,
or tokens outside that no entry has counted: asking again finishes it, `finish_strangers` does, and a restore does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from imp_consent.identity.keys import Keyring
from imp_consent.identity.normalize import normalise
from imp_consent.identity.pseudonym import loose_token_under
from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.log import Log
from imp_consent.ledger.suppression import suppress
from imp_consent.ledger.tombstones import Tombstones
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.guardians import Names, authorised_by, forget_guardians, is_named, of_identifier
from imp_consent.plane.kept_out import TELL_WITHIN_US, keep_suppressed, suppressed_since
from imp_core.errors import CheckFailed
from imp_core.event import RawId

__all__ = ["Forgotten", "Strangers", "find_strangers", "finish_strangers", "forget_strangers"]

_KNOWN_BY_NOW: Final = "somebody was recorded by one of these identifiers while this was under way: nothing was erased"


@dataclass(frozen=True, slots=True)
class Strangers:
    """Guardians nobody is known by, whom entries below `read` name: their identifiers, one or more each, and entries.

    `tokens` are one each: the loose token, under the suppression key in use.
    """

    raw_ids: tuple[RawId, ...] = ()
    tokens: frozenset[bytes] = field(default=frozenset(), repr=False)
    found: tuple[PersonEntry, ...] = field(default=(), repr=False)
    read: int = 0


class Forgotten(NamedTuple):
    """How many authorisations do not lead to their guardians any more, and the entry that says so (None: none did)."""

    n: int = 0
    seq: int | None = None


def find_strangers(log: Log, raw_ids: Iterable[RawId]) -> Strangers:
    """Who of these is a guardian in others' entries and nobody else here. Reads everybody's entries, once.

    Raises:
        BadInput: an identifier is malformed.
    """
    with log.read() as reader:
        names = {raw: of_identifier(reader, raw) for raw in raw_ids if reader.find_subject(raw) is None}
        found = authorised_by(reader, Names().union(names.values()))
        named = tuple(raw for raw, own in names.items() if any(is_named(reader.keyring, entry, own) for entry in found))
        tokens = frozenset(_token(reader.keyring, raw) for raw in named)
        return Strangers(raw_ids=named, tokens=tokens, found=tuple(found), read=reader.size)


def forget_strangers(
    log: Log,
    strangers: Strangers,
    *,
    expect: Callable[[Transaction], object] | None = None,
    besides: Callable[[Transaction], object] | None = None,
) -> Forgotten:
    """Take them out of what they authorised, which stands; `besides` is done in the same transaction.

    They are suppressed from then on, so that no backup brings them back. `expect` is asked before anything is done.

    Raises:
        CheckFailed: somebody was recorded by such an identifier since they were found, or `expect` raises it; nothing
            was taken out.
    """
    if not strangers.found:
        return Forgotten()
    with log.write() as transaction:
        if expect is not None:
            expect(transaction)
        if any(transaction.find_subject(raw) is not None for raw in strangers.raw_ids):
            # they have a record of their own by now, which is to be erased as well and not to outlive its suppression
            raise CheckFailed(_KNOWN_BY_NOW, where="identifier", mend="run it again: it erases that as well")
        names = Names().union(of_identifier(transaction, raw) for raw in strangers.raw_ids)
        since = authorised_by(transaction, names, since=strangers.read)
        tokens = frozenset(_token(transaction.keyring, raw) for raw in strangers.raw_ids)
        done = _take_out(log, transaction, [*strangers.found, *since], tokens)
        if besides is not None:
            besides(transaction)
    return done


def finish_strangers(log: Log) -> Forgotten:
    """Finish an erasure of such guardians that died after their tokens were written outside; nothing where none did."""
    stones = Tombstones(log.keyring.folder, log.keyring)
    with log.read() as reader:
        tokens = suppressed_since(reader, stones.read())
        if not tokens:
            return Forgotten()
        found, read = authorised_by(reader, Names(tokens=tokens)), reader.size
    with log.write() as transaction:
        tokens &= suppressed_since(transaction, stones.read())  # another process may have gone on with it
        if not tokens:
            return Forgotten()
        names = Names(tokens=tokens)
        left = [entry for entry in found if is_named(transaction.keyring, entry, names)]
        return _take_out(log, transaction, [*left, *authorised_by(transaction, names, since=read)], tokens)


def _take_out(log: Log, transaction: Transaction, found: Iterable[PersonEntry], tokens: Collection[bytes]) -> Forgotten:
    n = forget_guardians(transaction, found)
    suppress(transaction.sealed, tokens)
    said = {
        "people": 0,
        "authorisations": n,
        "leaves": 0,
        "rows": 0,
        "backups_clear_by": transaction.now_us + TELL_WITHIN_US,
        # before the commit: they are erased whether it is reached now or by whoever goes on
        **keep_suppressed(log, transaction, anew=tokens),
    }
    return Forgotten(n, transaction.append_system("erased", said))


def _token(keyring: Keyring, raw: RawId) -> bytes:
    return loose_token_under(keyring, keyring.active("supp"), normalise(raw))
