"""What a killed send left: open intents are closed with what their journals know."""

from __future__ import annotations

from dataclasses import dataclass

from imp_consent.ledger.delivery import conclude, intended_keys, open_intents
from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.plane.send.journal import journal_path, read_journal
from imp_core.channel import DeliveryStatus
from imp_core.errors import LedgerBroken
from imp_core.hold import take
from imp_core.workspace import Workspace

__all__ = ["Recovered", "recover"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """How many chunks were closed, and how many people are in doubt in them; `under_way` are somebody else's."""

    chunks: int = 0
    in_doubt: int = 0
    under_way: int = 0


def recover(log: Log, workspace: Workspace) -> Recovered:
    """Close every chunk that nobody is sending any more; those who were being sent to just then are in doubt.

    Raises:
        LedgerBroken: the ledger was changed by other hands, or cannot be written.
    """
    with log.read() as reader:
        intents = open_intents(reader)
    chunks = in_doubt = under_way = 0
    for intent in intents:
        path = journal_path(workspace.root, intent)
        hold = take(path)
        if hold is None and path.exists():
            under_way += 1
            continue
        doubtful = _close(log, workspace, intent)
        path.unlink(missing_ok=True)
        if hold is not None:
            hold.release()
        chunks += doubtful is not None
        in_doubt += doubtful or 0
    _sweep(log, workspace)
    return Recovered(chunks=chunks, in_doubt=in_doubt, under_way=under_way)


def _sweep(log: Log, workspace: Workspace) -> None:
    """Remove journals whose intent was never committed, or is closed: nobody holds them."""
    folder = journal_path(workspace.root, 0).parent
    if not folder.is_dir():
        return
    with log.write() as transaction:  # a journal is created inside a write transaction: none is now
        needed = {str(intent) for intent in open_intents(transaction)}
        for path in sorted(folder.iterdir()):
            hold = take(path) if path.name not in needed else None
            if hold is not None:
                path.unlink(missing_ok=True)
                hold.release()


def _close(log: Log, workspace: Workspace, intent: int) -> int | None:
    """Close one; returns how many are in doubt, None where somebody else closed it meanwhile."""
    remembered = read_journal(journal_path(workspace.root, intent))
    with log.write() as transaction:
        keys = intended_keys(transaction, intent)
        if not keys:
            return None
        results = {key: remembered.outcome(key) for key in keys}
        conclude(transaction, intent, results, channel=_channel(transaction, intent), recovered=True)
    return sum(outcome.status == DeliveryStatus.IN_DOUBT for outcome in results.values())


def _channel(reader: Reader, intent: int) -> str:
    for entry in reader.system_entries("send-intent"):
        if entry.seq == intent:
            return str(entry.fields.get("channel"))
    raise LedgerBroken("messages of an intent that is not there", where=f"entry {intent}", mend="run: imp audit verify")
