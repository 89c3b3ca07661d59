"""Erasure of people (GDPR 17): denied at once, rows rewritten out of the archive, then keys and mappings destroyed.

Each step is idempotent and stored in `erasure`, so that a crash at any point goes on where it stopped (`resume`):
requested → the archive's files replaced → erased. What stays is the leaves, which nobody can link any more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from imp_consent.identity.pseudonym import channel_pseudonym, token_now
from imp_consent.ledger.entry import EVERY_CHANNEL, EVERY_PURPOSE, Statement
from imp_consent.ledger.log import Log
from imp_consent.ledger.ratchet import ratchet
from imp_consent.ledger.ratchet_due import erased_since_ratchet
from imp_consent.ledger.suppression import suppress
from imp_consent.ledger.tombstones import Tombstones
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane import archive
from imp_consent.plane.guardians import authorised_by, forget_guardians, names_of
from imp_consent.plane.kept_out import TELL_WITHIN_US, keep_suppressed
from imp_consent.plane.linked import end_links, forget_numbers, linked_with
from imp_consent.plane.outbox import WITHDRAWN, channels_of
from imp_consent.plane.strangers import finish_strangers
from imp_core.errors import ImpError, LedgerBroken
from imp_core.ports import Json
from imp_core.workspace import Workspace

__all__ = ["Erased", "destroy_person", "leave_word", "pending", "request_erasure", "resume"]

_REQUESTED = 1
# Rows of these tables are a person's own; the numbers they hold are destroyed with them.
_OWN_TABLES = ("consent_state", "inbox", "subject_key", "erasure")


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What an erasure did: people, leaves that can no longer be linked, archive rows removed, files rewritten.

    `compacted`: the database's free pages and write-ahead log were cleared too; where another process was reading,
    the next erasure or `imp consent erase --resume` does it. `in_backups`: people erased since the last ratchet, whom
    whoever holds the keys can still read from backups; `out_of_backups`: those of whom this made an end of that.
    `in_flight`: messages to them that were under way when the erasure was requested. `authorisations`: entries of
    others whose guardian they were, which lead to them no more.
    """

    people: int
    leaves: int
    rows: int
    files: int
    seq: int | None
    compacted: bool = False
    in_backups: int = 0
    out_of_backups: int = 0
    in_flight: int = 0
    authorisations: int = 0


def request_erasure(
    log: Log,
    subjects: Iterable[int] | Callable[[Transaction], Iterable[int]],
    envelope: Mapping[str, Json],
    *,
    channels: Sequence[str] = (),
) -> list[int]:
    """Step 1, acknowledged when it returns: the gate denies from now on. Returns the seqs.

    These channels are to be told, and every other that ever had to do with people (`channels_of`). Links end. Whom
    nobody asked to erase is chosen in the very transaction: until then they may say something that keeps them.

    Raises:
        LedgerBroken: a subject is unknown.
    """
    seqs: list[int] = []
    asking: list[int] = []
    with log.write() as transaction:
        under_way = {row[0] for row in transaction.sealed.select("erasure")}
        told = sorted(channels_of(transaction).union(channels))
        for subject in subjects(transaction) if callable(subjects) else subjects:
            if subject in under_way:
                continue
            now_us = transaction.now_us
            statement = Statement(type="erase-requested", purpose=EVERY_PURPOSE, channel=EVERY_CHANNEL, at_us=now_us)
            seq = transaction.append_person(subject, statement, envelope)
            transaction.sealed.insert("erasure", [(subject, _REQUESTED, seq, now_us)])
            end_links(transaction, subject, envelope)
            seqs.append(seq)
            asking.append(subject)
        leave_word(transaction, asking, told)
        asked = {int(str(row[0])) for row in transaction.sealed.select("erasure")}
    # after the commit: a tombstone of somebody who did not ask would erase them at the next restore
    _tombstones(log).bury(asked)
    return seqs


def pending(log: Log) -> int:
    """How many erasures are under way."""
    with log.read() as reader:
        return sum(1 for _ in reader.sealed.select("erasure"))


def resume(log: Log, workspace: Workspace, *, later: bool = False) -> Erased:
    """Finish every erasure that was requested or begun; safe to run again after a crash at any point.

    `later` leaves the ratchet of the key-encryption key and the clearing of the database to a later call: both cost
    as much for one person as for a day's.

    Raises:
        LedgerBroken: a registered file is missing or changed.
    """
    done, others = _finish(log, workspace), finish_strangers(log)
    done = replace(done, seq=done.seq or others.seq, authorisations=done.authorisations + others.n)
    before = _in_backups(log)
    if not later:
        _ratchet(log)
    left = _in_backups(log)
    out = max(before - left, 0)  # somebody else may have erased more meanwhile
    return replace(done, compacted=not later and log.compact(), in_backups=left, out_of_backups=out)


def _in_backups(log: Log) -> int:
    with log.read() as reader:
        return erased_since_ratchet(reader)


def _ratchet(log: Log) -> None:
    if not log.keyring.store.writable:
        return  # where keys cannot be changed, whoever keeps them ratchets: the doctor says so
    if _in_backups(log):
        # the last step of an erasure, and so as free of a second person as it: whoever is left loses nothing by it
        ratchet(log, of_erasure=True)
    elif not log.keyring.settled:
        log.settle_keys()  # a crash may have come after the ratchet and before the old key was destroyed


def _finish(log: Log, workspace: Workspace) -> Erased:
    with log.read() as reader:
        subjects = {int(str(row[0])) for row in reader.sealed.select("erasure")}
    if not subjects:
        archive.remove_orphans(workspace, log, thorough=True)  # what others left may hold people who were erased
        return Erased(people=0, leaves=0, rows=0, files=0, seq=None)
    _tombstones(log).bury(subjects)  # a crash may have come between the request and this
    while not _rewrite_files(log, workspace, subjects):
        continue
    archive.remove_orphans(workspace, log, thorough=True)
    return _destroy(log, subjects)


def _rewrite_files(log: Log, workspace: Workspace, subjects: Collection[int]) -> bool:
    """Rewrite every file that holds rows of theirs; False where somebody else rewrote one of them meanwhile.

    Then it is to be called again, for what is live by then: each time somebody got on, so that ends.
    """
    with log.read() as reader:
        files = archive.live_files(reader)
    try:
        for file in files:
            rewritten = archive.rewrite_without(workspace, file, subjects)
            if rewritten is not None:
                try:
                    _swap(log, file, rewritten)
                except ImpError:
                    archive.discard(workspace, log, rewritten)
                    raise
    except LedgerBroken:
        with log.read() as reader:
            live = {file.path for file in archive.live_files(reader)}
        if file.path in live:
            raise
        return False
    return True


def _swap(log: Log, old: archive.LiveFile, new: archive.RewrittenFile) -> None:
    """Put the new file in the old one's place, by compare-and-swap on its version; readers lose their lease."""
    with log.write() as transaction:
        archive.replace_files(transaction, [old], new)
        archive.cancel_leases(transaction, [old])


def _destroy(log: Log, subjects: set[int]) -> Erased:
    with log.read() as reader:  # everybody's entries: nobody is kept from writing meanwhile
        authorised, read = authorised_by(reader, names_of(reader, subjects)), reader.size
    with log.write() as transaction:
        # another process may have finished some of them
        subjects = subjects & {int(str(row[0])) for row in transaction.sealed.select("erasure")}
        if not subjects:
            return Erased(people=0, leaves=0, rows=0, files=0, seq=None)
        rewritten, rows = _rewritten_since(transaction)
        linked = set[int]().union(*(linked_with(transaction, subject) for subject in subjects))
        forget_numbers(transaction, subjects, linked)
        since = authorised_by(transaction, names_of(transaction, subjects), since=read)
        authorisations = forget_guardians(transaction, [*authorised, *since], beside=subjects)
        leaves = 0
        for subject in sorted(subjects):
            _, next_i = transaction.subjects.secrets(subject)
            leaves += next_i
            destroy_person(transaction, subject)
        # before the commit: these people are erased whether it is reached now or by whoever goes on
        tombstones = keep_suppressed(log, transaction)
        listing = archive.format_listing(rewritten)
        seq = transaction.append_system(
            "erased",
            {
                "people": len(subjects),
                "authorisations": authorisations,
                "leaves": leaves,
                "rows": rows,
                "files": archive.sha256_of(listing),
                "backups_clear_by": transaction.now_us + TELL_WITHIN_US,
                **tombstones,
            },
            documents=[listing],
        )
        files = len({file.path for file in rewritten})
    return Erased(people=len(subjects), leaves=leaves, rows=rows, files=files, seq=seq, authorisations=authorisations)


def destroy_person(transaction: Transaction, subject: int) -> list[bytes]:
    """Destroy what makes a person, in one transaction with the entry that says so.

    Returns the tokens of their identifiers, which are suppressed from now on.
    """
    transaction.forget(subject)
    tokens: list[bytes] = []
    sealed = transaction.sealed
    keks = [key for key in transaction.keyring.keys if key.purpose == "kek"]
    for kek in keks:
        mapping = transaction.subjects.encryption(kek.id).seal_subject(subject)
        found = sealed.select("identifier", "subject = ?", (mapping,))
        tokens += [token_now(transaction.keyring, str(row[7]), bytes(row[4])) for row in found]  # type: ignore[arg-type]  # the column's type
        sealed.delete("identifier", "subject = ?", (mapping,))
    for table in _OWN_TABLES:
        sealed.delete(table, "subject = ?", (subject,))
    transaction.sql.execute("DELETE FROM payload WHERE subject = ?", (subject,))
    suppress(sealed, tokens)
    return tokens


def _tombstones(log: Log) -> Tombstones:
    return Tombstones(log.keyring.folder, log.keyring)


def _rewritten_since(transaction: Transaction) -> tuple[list[archive.BatchFile], int]:
    """The batches whose present version no entry names yet, and how many rows they lost."""
    named = archive.named_batches(transaction)
    found = [row for row in archive.live_batches(transaction) if row.version > named[row.batch].version]
    return found, sum(named[row.batch].n - row.n for row in found)


def leave_word(transaction: Transaction, subjects: Iterable[int], channels: Sequence[str]) -> None:
    """Leave word for each channel, by its own pseudonym of each person; it never holds up the erasure.

    Of permissions that they ended a channel is told no more: it would learn their names again once it forgot them.
    """
    key = transaction.keyring.active("channel").secret
    (last,) = transaction.sql.execute("SELECT coalesce(max(id), 0) FROM outbox").fetchone()
    due_us = transaction.now_us + TELL_WITHIN_US
    known_as = [(name, channel_pseudonym(key, name, subject)) for subject in subjects for name in channels]
    _take_back_word(transaction, set(known_as))
    transaction.sealed.insert(
        "outbox",
        [
            (last + 1 + index, name, pseudonym, "forget", due_us, "due")
            for index, (name, pseudonym) in enumerate(known_as)
        ],
    )


def _take_back_word(transaction: Transaction, known_as: Collection[tuple[str, bytes]]) -> None:
    found = transaction.sql.execute(
        "SELECT id, channel, pseudonym FROM outbox WHERE what >= ? AND what < ? AND state = 'due'",
        (f"{WITHDRAWN} ", f"{WITHDRAWN}!"),  # the word and a purpose: a range is found by the index, a LIKE is not
    )
    for id_ in [row[0] for row in found if (row[1], bytes(row[2])) in known_as]:
        transaction.sealed.delete("outbox", "id = ?", (id_,))
