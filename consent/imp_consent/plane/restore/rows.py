"""The rows that find and open people, in a restore: under keys that were changed since the backup, or are not there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from imp_consent.identity.pseudonym import token_now
from imp_consent.ledger.sealed import Value
from imp_consent.ledger.suppression import suppress
from imp_consent.ledger.survivors import SURVIVORS_NAME, open_survivors
from imp_consent.ledger.transaction import Transaction
from imp_core.counting import some
from imp_core.errors import CheckFailed

__all__ = ["refuse_without_keys", "take_survivors", "take_wraps"]

_IDENTIFIERS: Final = 5_000  # rows in memory at once


def take_survivors(transaction: Transaction, backup_size: int) -> None:
    """Put the rows that the last change of keys wrote outside in the place of the backup's, of people in both.

    Raises:
        LedgerBroken: the file was changed, or is not of these keys.
    """
    survivors = open_survivors(transaction.keyring)
    if survivors is None or survivors.size <= backup_size:
        return  # the backup is the newer
    sealed = transaction.sealed
    living = {row[0] for row in sealed.select("subject_key")}
    sealed.delete("identifier", "1", ())
    held: list[tuple[Value, ...]] = []
    for table, row in survivors.read():
        if table == "subject_key" and row[0] in living:
            sealed.update("subject_key", "subject = ?", (row[0],), {"wrapped": row[1], "kek_id": row[2]})
        elif table == "identifier" and _subject_of(transaction, row) in living:
            held.append(row)
        if len(held) >= _IDENTIFIERS:
            sealed.insert("identifier", held)
            held = []
    sealed.insert("identifier", held)


def refuse_without_keys(transaction: Transaction, missing: Mapping[str, int], living: Collection[int]) -> None:
    """Let nobody be lost to a key: who does not open is not erased for that, who is not found could never withdraw.

    `missing` counts the people by the key-encryption key that their own is under and that the ring lacks; nobody who
    was erased is among them.

    Raises:
        CheckFailed: there are such people, or identifiers of `living` under a key that the ring lacks.
    """
    for key_id, people in missing.items():
        raise _refused(
            transaction, f"{some(people, 'person in the backup is', 'people in the backup are')}", "kek", key_id
        )
    ring, sealed = transaction.keyring, transaction.sealed
    for name in ("kek", "supp", "pepper"):
        query = f"SELECT DISTINCT {name}_id FROM identifier"  # noqa: S608 (one of three names above)
        for (key_id,) in transaction.sql.execute(query).fetchall():
            if ring.has(name, key_id):
                continue
            if name == "kek":  # nobody living is under it: theirs are rows of the erased, suppressed by the tombstones
                sealed.delete("identifier", "kek_id = ?", (key_id,))
                continue
            rows = sealed.select("identifier", f"{name}_id = ?", (key_id,))
            lost = sum(_subject_of(transaction, row) in living for row in rows)
            if lost:
                raise _refused(
                    transaction,
                    f"{some(lost, 'identifier in the backup is', 'identifiers in the backup are')}",
                    name,
                    str(key_id),
                )


def take_wraps(transaction: Transaction, supp_id: str) -> None:
    """Hash the tokens of the backup as the suppression key in use has them: it may have been wrapped since.

    Raises:
        KeysUnusable: a key that they were made under is missing.
    """
    ring, sealed = transaction.keyring, transaction.sealed
    active = ring.active("supp").id
    if supp_id != active:
        tokens = [token_now(ring, supp_id, bytes(row[0])) for row in sealed.select("suppression")]  # type: ignore[arg-type]  # the column's type
        sealed.delete("suppression", "1", ())
        suppress(sealed, tokens)
    for kind, epoch, pseudonym, _, loose, _, _, key_id in list(sealed.select("identifier", "supp_id <> ?", (active,))):
        token = token_now(ring, str(key_id), bytes(loose))  # type: ignore[arg-type]  # the column's type
        where = "kind = ? AND epoch = ? AND pseudonym = ?"
        sealed.update("identifier", where, (kind, epoch, pseudonym), {"loose": token, "supp_id": active})


def _subject_of(transaction: Transaction, row: Sequence[Any]) -> int:
    _, _, _, sealed_subject, _, _, kek_id, _ = row
    return transaction.subjects.encryption(kek_id).open_subject(sealed_subject)


def _refused(transaction: Transaction, who: str, purpose: str, key_id: str) -> CheckFailed:
    return CheckFailed(
        f"{who} under the {purpose} key {key_id}, which is not in the ring any more, "
        "and the survivors beside the keys do not have them under another",
        where=str(transaction.keyring.folder / SURVIVORS_NAME),
        mend="put the keys' folder back from its own newest backup, or use a newer backup of the ledger",
    )
