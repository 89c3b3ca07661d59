"""The composition root: opens the ledger of a context once and fills core's protocols with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from imp_consent.gate import ConsentGate
from imp_consent.identity.keys import EnvironmentKeys, FolderKeys, GuardedKeys, Keyring, keys_folder
from imp_consent.ledger.in_flight import intents_in_flight
from imp_consent.ledger.log import Log
from imp_consent.ledger.ratchet_due import erased_since_ratchet
from imp_consent.ledger.reader import Reader
from imp_consent.plane.hearing import hearing_withdrawals
from imp_consent.plane.honoured import honoured
from imp_consent.plane.outbox import Due, due_by_channel
from imp_consent.plane.passing_on import passing_on
from imp_core.context import Context, load_target
from imp_core.counting import some
from imp_core.errors import BadInput, KeysUnusable, LedgerBroken
from imp_core.event import RawId
from imp_core.key_store import KeyStore
from imp_core.ports import Check, CheckpointInfo, Json, SignalStatus, SystemEntry
from imp_core.workspace import Workspace

if TYPE_CHECKING:  # it loads DuckDB and Arrow
    from imp_consent.plane.view import ConsentView

__all__ = [
    "HonouredSignals",
    "SystemLedger",
    "open_gate",
    "open_keyring",
    "open_ledger",
    "open_log",
    "open_signals",
    "open_view",
    "store_of",
]

_SHOWN: Final = 10  # unfinished sends named by the doctor


def open_log(ctx: Context) -> Log:
    """The ledger of this context's workspace, opened once.

    Raises:
        WorkspaceMissing: there is no workspace.
        KeysUnusable: a key is missing, malformed or readable by others.
        LedgerBroken: there is no database, it is not ours, or of another version.
    """
    log = ctx.shared.get("consent.log")
    if not isinstance(log, Log):
        workspace = ctx.workspace
        log = Log(
            workspace.database,
            open_keyring(ctx),
            log_id=workspace.log_id,
            clock=ctx.clock,
            randomness=ctx.randomness,
            actor=ctx.actor,
            projection=passing_on(partial(hearing_withdrawals, ctx)),
        )
        ctx.shared["consent.log"] = log
    return log


def open_keyring(ctx: Context) -> Keyring:
    """The keys of this context's ledger, from wherever `[keys] provider` of `imp.toml` says they are.

    Raises:
        WorkspaceMissing: there is no workspace.
        BadInput: no enabled plugin keeps keys by this name.
        KeysUnusable: a key is missing, malformed or readable by others.
    """
    workspace = ctx.workspace
    folder = keys_folder(ctx.environ, workspace.log_id)
    return Keyring.load(store_of(ctx, workspace.key_provider), workspace.log_id, folder=folder)


def store_of(ctx: Context, provider: str) -> KeyStore:
    """Where a provider keeps keys: the folder, the environment, or a registered plugin's store.

    Raises:
        BadInput: no enabled plugin keeps keys by this name.
        PluginBroken: its factory cannot be imported.
        KeysUnusable: its factory raised, or returned no store.
    """
    if provider == "folder":
        return FolderKeys(keys_folder(ctx.environ, ctx.workspace.log_id))
    if provider == "env":
        return EnvironmentKeys(ctx.environ)
    factory = load_target(ctx.plugins.key_provider(provider).target)
    try:
        store = factory(ctx)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 (a stranger's factory may raise anything, SystemExit too)
        raise KeysUnusable(
            f"the key provider broke: {type(error).__name__}", where=f"key provider {provider}"
        ) from None
    return GuardedKeys(provider, store)


def open_gate(ctx: Context) -> ConsentGate:
    """Core's Gate."""
    return ConsentGate(lambda: open_log(ctx))


def open_view(ctx: Context) -> ConsentView:
    """Core's View."""
    from imp_consent.plane.view import ConsentView  # noqa: PLC0415 (no other command needs DuckDB and Arrow)

    return ConsentView(open_log(ctx), ctx.workspace)


def open_ledger(ctx: Context) -> SystemLedger:
    """Core's Ledger."""
    return SystemLedger(open_log(ctx), ctx.workspace)


def open_signals(ctx: Context) -> HonouredSignals:
    """Core's Signals."""
    return HonouredSignals(open_log(ctx))


class HonouredSignals:
    """Core's Signals protocol on a `Log`."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def honoured(self, raw_id: RawId) -> SignalStatus:
        """Whether an opt-out signal of a browser or person holds.

        Raises:
            BadInput: the identifier is malformed.
        """
        with self._log.read() as reader:
            return honoured(reader, raw_id)


class SystemLedger:
    """Core's Ledger protocol on a `Log`: system entries and checkpoints, nothing about a person."""

    def __init__(self, log: Log, workspace: Workspace) -> None:
        self._log = log
        self._workspace = workspace

    def append(self, type_: str, fields: Mapping[str, Json], *, documents: Sequence[bytes] = ()) -> int:
        """Append one system entry and return its seq once it is durable.

        Raises:
            BadInput: not a type of system entry, or fields outside the canonical profile.
        """
        with self._log.write() as transaction:
            return transaction.append_system(type_, fields, documents=documents)

    def entries(self, type_: str) -> Iterator[SystemEntry]:
        """System entries of one type, oldest first."""
        with self._log.read() as reader:
            found = list(reader.system_entries(type_))
        return iter(found)  # a reader that is still open would stand in the way of the caller's own writes

    def document(self, sha256: str) -> bytes:
        """A stored document by the hex SHA-256 of its bytes.

        Raises:
            LedgerBroken: there is none, or its bytes do not have this hash.
        """
        with self._log.read() as reader:
            return reader.document(sha256)

    def checkpoint(self) -> CheckpointInfo:
        """Sign what is committed now and write it outside the database."""
        return self._log.checkpoint()

    def diagnose(self) -> Iterator[Check]:
        """Keys, database, checkpoint and what lies beside them: looked at, not changed."""
        from imp_consent.audit.glance import glance, named_data  # noqa: PLC0415 (of no other command)
        from imp_consent.plane.settings import settings_checks  # noqa: PLC0415 (as above)

        yield from settings_checks(self._workspace.config)
        keyring = self._log.keyring
        left = "" if keyring.settled else "; a rotation is under way, or died: the next command that writes finishes it"
        if unfinished := len(keyring.unfinished):
            files = some(unfinished, "unfinished file of keys lies", "unfinished files of keys lie")
            left += f"; {files} there, which the next command that writes destroys"
        yield Check(name="keys", ok=True, detail=f"{some(len(keyring.keys), 'key')} in {keyring.store.place}{left}")
        try:
            with self._log.read() as reader:
                size, pending = reader.size, sum(1 for _ in reader.sealed.select("erasure"))
                in_backups = erased_since_ratchet(reader)
                unclosed = [_send(intent) for intent in intents_in_flight(reader)]
                owed = due_by_channel(reader, now_us=self._log.clock.now_us())
                outside = self._log.outside()
                beside = (
                    _house(reader, self._workspace),
                    named_data(reader),
                    *glance(reader, self._workspace, outside),
                )
        except LedgerBroken as error:
            where = f" ({error.where})" if error.where else ""
            yield Check(name="ledger", ok=False, detail=error.what + where, mend=error.mend)
            return
        yield Check(name="ledger", ok=True, detail=some(size, "entry", "entries"))
        behind = outside is not None and outside.size > size
        yield Check(
            name="checkpoint",
            ok=outside is not None and not behind,
            detail=f"signed at {some(outside.size, 'entry', 'entries')}" if outside else "none was ever signed",
            mend="put the newest database back" if behind else "sign one: imp audit checkpoint",
        )
        yield Check(
            name="erasures",
            ok=not pending and not in_backups,
            detail=f"{pending or 'none'} under way, {in_backups or 'none'} still readable in backups with the keys",
            mend=_erasures_mend(keyring.store, pending=pending),
        )
        yield _sends(unclosed)
        yield _outbox(owed)
        yield from beside


def _house(reader: Reader, workspace: Workspace) -> Check:
    """Whether there is the place that imp.toml names, and a law of those it names that holds there: no yes else.

    One that holds there may still not be the law of that place, which is what most likely was meant.
    """
    from imp_consent.policy.house import check_house, not_at_home, read_house  # noqa: PLC0415 (for the doctor alone)
    from imp_consent.policy.regime import read_regimes  # noqa: PLC0415 (as above)

    try:
        house, known = read_house(workspace.config), read_regimes(reader)
        check_house(house, known)
        missing = not_at_home(house, known)
    except BadInput as error:
        detail = f"{error.what} ({error.where}): no consent is taken under it"
        return Check(name="law", ok=False, detail=detail, mend=error.mend)
    place = f" in {house.jurisdiction}" if house.jurisdiction else ""
    detail = f"{', '.join(house.regimes)}{place}"
    if missing:
        found = f"{detail}: none of it is the law at home there, which is {', '.join(missing)} ([policy] of imp.toml)"
        return Check(name="law", ok=False, detail=found, mend=f"name {', '.join(missing)} in regimes, or another place")
    return Check(name="law", ok=True, detail=detail)


def _erasures_mend(store: KeyStore, *, pending: int) -> str:
    if pending or store.writable:
        return "finish them: imp consent erase --resume"
    return "the keys cannot be changed here: see docs/keys.md, Keep keys elsewhere"


class _Send(NamedTuple):
    campaign: str
    step: str
    channel: str


def _send(intent: SystemEntry) -> _Send:
    return _Send(*(str(intent.fields.get(name)) for name in _Send._fields))


def _sends(unclosed: Sequence[_Send]) -> Check:
    """Whose chunks are open: the command that closes them is the one that left them."""
    chunks = Counter(unclosed).most_common(_SHOWN)
    named = "; ".join(
        f"campaign {send.campaign}, step {send.step}, channel {send.channel} ({n} {'chunk' if n == 1 else 'chunks'})"
        for send, n in chunks
    )
    again = "; ".join(
        f"imp send {channel} --campaign {campaign} --audience FILE --execute"
        for campaign, channel in dict.fromkeys((send.campaign, send.channel) for send, _ in chunks)
    )
    return Check(
        name="sends",
        ok=not unclosed,
        detail=f"under way, or left by a send that died: {named}" if unclosed else "none under way",
        mend=f"if it is not under way, run it again, which tells who is in doubt: {again}",
    )


def _outbox(owed: Mapping[str, Due]) -> Check:
    late = {name: due.overdue for name, due in owed.items() if due.overdue}
    return Check(
        name="outbox",
        ok=not late,
        detail=", ".join(f"{some(n, 'person', 'people')} overdue to be told of to {name}" for name, n in late.items())
        or f"{some(sum(due.n for due in owed.values()), 'person', 'people')} to be told of to channels, none overdue",
        mend="tell the channels: imp consent tell",
    )
