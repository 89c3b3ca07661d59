"""Wrapping after a leak: whoever holds the old key finds nobody any more, though nobody's identifier is at hand.

A pepper or suppression key that leaked lets its finder hash addresses and look for them. What was hashed is hashed
again under a new key that did not leak, HMAC(new, HMAC(old, identifier)): all rows at once, and both keys are needed to
find anybody from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from imp_consent.identity.pseudonym import rehash
from imp_consent.ledger.change_key import KeyChange, change_key
from imp_consent.ledger.log import Log
from imp_consent.ledger.rewrite import Row, rewrite_table
from imp_consent.ledger.rotate import Rotated, rows_of_epoch
from imp_consent.ledger.transaction import Transaction
from imp_core.errors import BadInput, LedgerBroken

__all__ = ["WRAPPED", "wrap"]

# What a wrap does, for whoever is about to run one.
WRAPPED: Final = {
    "pepper": "every identifier's pseudonym is hashed again under a new pepper",
    "supp": "every token of suppression is hashed again under a new key",
}
_PAGE: Final = 5_000


def wrap(log: Log, purpose: str, *, count: Callable[[int], None] = lambda _: None) -> Rotated:
    """Hash everything made with a leaked key again under a new one, in one transaction. `count` hears of progress.

    Raises:
        BadInput: keys of this purpose are not wrapped.
        LedgerBroken: a row was changed by other hands.
        KeysUnusable: the keys are where they cannot be changed, or one is missing.
    """
    if purpose not in WRAPPED:
        raise BadInput("keys of this purpose are not wrapped", mend=f"one of: {', '.join(WRAPPED)}")
    wraps, body = (_peppers_with_rows, _pepper) if purpose == "pepper" else (_one_supp, _supp)
    with change_key(log, purpose, "wrap", wraps=wraps) as change:
        change.fields["wraps"] = list(change.new.wraps)
        rows = body(change, count)
    return Rotated(seq=change.seq, purpose=purpose, id=change.new.id, previous=change.old.id, rows=rows)


def _peppers_with_rows(transaction: Transaction) -> Sequence[str]:
    active = transaction.keyring.active("pepper")
    others = (key for key in transaction.keyring.peppers() if key is not active)
    return [active.id, *(key.id for key in others if rows_of_epoch(transaction, key.epoch))]


def _one_supp(transaction: Transaction) -> Sequence[str]:
    return [transaction.keyring.active("supp").id]


def _pepper(change: KeyChange, count: Callable[[int], None]) -> int:
    """Every row moves to the new epoch: its primary key changes, so it is deleted and inserted."""
    sealed, total = change.transaction.sealed, 0
    for key in change.ring.wrapped(change.new):
        for page in _pages(change.transaction, key.epoch):
            for row in page:
                if row[5] != key.id:
                    raise LedgerBroken("an identifier under another pepper than its epoch's", where="identifier")
                sealed.delete("identifier", "kind = ? AND epoch = ? AND pseudonym = ?", row[:3])
            new = change.new
            sealed.insert(
                "identifier",
                [(row[0], new.epoch, rehash(new.secret, _bytes(row[2])), *row[3:5], new.id, *row[6:]) for row in page],
            )
            total += len(page)
            count(len(page))
    return total


def _pages(transaction: Transaction, epoch: int) -> Iterator[list[Row]]:
    kinds = [
        kind for (kind,) in transaction.sql.execute("SELECT DISTINCT kind FROM identifier WHERE epoch = ?", (epoch,))
    ]
    for kind in kinds:
        while page := list(
            transaction.sealed.select("identifier", f"kind = ? AND epoch = ? LIMIT {_PAGE}", (kind, epoch))
        ):
            yield page


def _supp(change: KeyChange, count: Callable[[int], None]) -> int:
    new, old = change.new, change.old

    def rehashed(row: Row) -> Row:
        if row[7] != old.id:
            raise LedgerBroken("an identifier under another suppression key than the one in use", where="identifier")
        return (*row[:4], rehash(new.secret, _bytes(row[4])), *row[5:7], new.id)

    total = rewrite_table(change.transaction, "identifier", rehashed, changed=("loose", "supp_id"), count=count)
    sealed = change.transaction.sealed
    tokens = [rehash(new.secret, _bytes(row[0])) for row in sealed.select("suppression")]
    sealed.delete("suppression", "1", ())
    for start in range(0, len(tokens), _PAGE):
        sealed.insert("suppression", [(token,) for token in tokens[start : start + _PAGE]])
        count(len(tokens[start : start + _PAGE]))
    return total + len(tokens)


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise LedgerBroken("a value of the wrong type", where="identifier", mend="run: imp audit verify")
    return value
