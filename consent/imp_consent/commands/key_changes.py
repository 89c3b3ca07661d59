"""What `imp keys` does: lists the ring, rotates, wraps and retires keys, and moves them elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from imp_consent.commands.two_persons import guard_keys
from imp_consent.identity.keys import FIXED, GuardedKeys, Key, Keyring, format_key, format_material
from imp_consent.ledger.layout import SEALED
from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.rotate import (
    ROTATED,
    Rotated,
    refuse_retirement,
    refuse_rotation,
    retire,
    rotate,
    rows_of_epoch,
)
from imp_consent.ledger.wrap import WRAPPED, wrap
from imp_consent.runtime import open_keyring, open_log, store_of
from imp_core.clock import format_time
from imp_core.context import Context
from imp_core.errors import BadInput, CheckFailed, KeysUnusable
from imp_core.key_store import KeyStore

__all__ = [
    "KeyPlan",
    "KeyShown",
    "KeysCopied",
    "KeysExported",
    "KeysListed",
    "copy_keys",
    "export_keys",
    "list_keys",
    "plan_retirement",
    "plan_rotation",
    "plan_wrap",
    "retire_key",
    "rotate_key",
    "wrap_key",
]

# Which tables a change writes anew.
_REWRITTEN = {
    ("rotate", "kek"): ("subject_key", "identifier"),
    ("rotate", "row"): tuple(SEALED),
    ("wrap", "pepper"): ("identifier",),
    ("wrap", "supp"): ("identifier", "suppression"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyShown:
    """A key, but never its secret. `created` is None where nobody wrote it down; `wraps` are ids of keys.

    `rows` is how many identifiers are found under a pepper, None for other keys; `change` what its rotation does, or
    why there is none.
    """

    purpose: str
    id: str
    state: str
    epoch: int
    created: str | None
    wraps: tuple[str, ...]
    rows: int | None
    rotated: bool
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysListed:
    """The ring: where it is kept, and its keys. `settled` is false while a rotation is under way, or where one died."""

    place: str
    settled: bool
    keys: tuple[KeyShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPlan:
    """What a change of keys would do: to which key, what it means, and how many rows it writes anew."""

    action: str
    purpose: str
    id: str
    change: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysExported:
    """The keys as `IMP_KEY_MATERIAL` takes them, None in a dry run, and how many they are."""

    keys: int
    material: str | None
    seq: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysCopied:
    """How many keys were, or would be, copied to a provider."""

    provider: str
    keys: int
    executed: bool


def list_keys(ctx: Context) -> KeysListed:
    """The keys as the ledger uses them; writes nothing.

    Raises:
        KeysUnusable: a key is missing, malformed or readable by others.
    """
    with open_log(ctx).read() as reader:
        keyring = reader.keyring
        shown = tuple(_shown(reader, key) for key in sorted(keyring.keys, key=lambda key: (key.purpose, -key.epoch)))
    return KeysListed(place=keyring.store.place, settled=keyring.settled, keys=shown)


def plan_rotation(ctx: Context, purpose: str) -> KeyPlan:
    """What rotating a key would do; writes nothing.

    Raises:
        BadInput: there are no keys for this purpose.
        CheckFailed: keys of this purpose stay.
        KeysUnusable: the keys are where they cannot be changed.
    """
    refuse_rotation(purpose)
    return _plan(ctx, "rotate", purpose, ROTATED[purpose])


def rotate_key(ctx: Context, purpose: str, *, count: Callable[[int], None] = lambda _: None) -> Rotated:
    """Put a new key in the place of the one in use; raises as `plan_rotation`.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    refuse_rotation(purpose)
    log = _writable_log(ctx)
    guard_keys(ctx, "rotate", purpose)
    return rotate(log, purpose, count=count)


def plan_wrap(ctx: Context, purpose: str) -> KeyPlan:
    """What wrapping a key that leaked would do; writes nothing.

    Raises:
        BadInput: keys of this purpose are not wrapped.
        KeysUnusable: the keys are where they cannot be changed.
    """
    if purpose not in WRAPPED:
        raise BadInput("keys of this purpose are not wrapped", mend=f"one of: {', '.join(WRAPPED)}", where="PURPOSE")
    return _plan(ctx, "wrap", purpose, WRAPPED[purpose])


def wrap_key(ctx: Context, purpose: str, *, count: Callable[[int], None] = lambda _: None) -> Rotated:
    """Hash everything made with a leaked key again under a new one; raises as `plan_wrap`.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    plan_wrap(ctx, purpose)
    guard_keys(ctx, "wrap", purpose)
    return wrap(_writable_log(ctx), purpose, count=count)


def plan_retirement(ctx: Context, key_id: str) -> KeyPlan:
    """What retiring a pepper would do; writes nothing.

    Raises:
        BadInput: there is no such key.
        CheckFailed: it is in use or needed.
        KeysUnusable: the keys are where they cannot be changed.
    """
    with _writable_log(ctx).read() as reader:
        key = refuse_retirement(reader, key_id)
    what = "nobody is found under it any more: it is destroyed for good"
    return KeyPlan(action="retire", purpose=key.purpose, id=key.id, change=what, rows=0)


def retire_key(ctx: Context, key_id: str) -> Rotated:
    """Destroy a pepper that nobody is found under any more; raises as `plan_retirement`."""
    plan_retirement(ctx, key_id)
    guard_keys(ctx, "retire", key_id)
    return retire(_writable_log(ctx), key_id)


def export_keys(ctx: Context, *, execute: bool = False) -> KeysExported:
    """Every key, secrets and all, as one line for `IMP_KEY_MATERIAL`; the ledger notes that it was printed.

    Raises:
        KeysUnusable: a key is missing, malformed or readable by others.
    """
    if not execute:
        return KeysExported(keys=len(open_keyring(ctx).keys), material=None, seq=None)
    log = open_log(ctx)
    guard_keys(ctx, "export", "*")
    with log.write() as transaction:
        seq = transaction.append_system("key", {"purpose": "*", "action": "export"})
        keyring = transaction.keyring
    documents = _documents(keyring)
    return KeysExported(keys=len(documents), material=format_material(documents), seq=seq)


def copy_keys(ctx: Context, provider: str, *, execute: bool = False) -> KeysCopied:
    """Copy every key to another provider, for `[keys] provider` to name; those here stay.

    Raises:
        BadInput: no enabled plugin keeps keys by this name, or it is the one in use.
        KeysUnusable: it holds keys already, or cannot be written: what it took until then, it may keep.
        CheckFailed: a key was changed meanwhile, and is not among them.
    """
    if provider == ctx.workspace.key_provider:
        raise BadInput(
            "the keys are there already",
            where="[keys] provider",
            mend="nothing is to be copied: [keys] provider in imp.toml names the place in use",
        )
    store = store_of(ctx, provider)
    if not store.writable:
        raise KeysUnusable("keys cannot be written there", where=store.place)
    if store.held() if isinstance(store, GuardedKeys) else store.load():
        raise KeysUnusable("it holds keys already", where=store.place, mend="name another, or empty it there")
    log = open_log(ctx)
    if execute:
        guard_keys(ctx, "copy", provider)
        with log.write() as transaction:
            transaction.append_system("key", {"purpose": "*", "action": "copy"})
            documents = _documents(transaction.keyring)
        _store_all(log, store, documents)
    else:
        documents = _documents(open_keyring(ctx))
    return KeysCopied(provider=provider, keys=len(documents), executed=execute)


def _store_all(log: Log, store: KeyStore, documents: Mapping[str, bytes]) -> None:
    """Hand keys to a provider once the ledger says so: what is a stranger's may take its time, and break midway."""
    for name, data in documents.items():
        store.store(name, data)
    with log.read() as reader:
        if _documents(reader.keyring) != documents:
            mend = "empty it there, and copy them again"
            raise CheckFailed("keys were changed while they were copied", where=store.place, mend=mend)


def _documents(keyring: Keyring) -> dict[str, bytes]:
    return {key.name: format_key(key, keyring.log_id) for key in keyring.keys}


def _writable_log(ctx: Context) -> Log:
    log = open_log(ctx)
    store = log.keyring.store
    if not store.writable:
        raise KeysUnusable(
            "keys cannot be changed here", where=store.place, mend="change them where they are kept, and export again"
        )
    return log


def _plan(ctx: Context, action: str, purpose: str, change: str) -> KeyPlan:
    with _writable_log(ctx).read() as reader:
        key = reader.keyring.active(purpose)
        rows = sum(_count(reader, table) for table in _REWRITTEN.get((action, purpose), ()))
    return KeyPlan(action=action, purpose=purpose, id=key.id, change=change, rows=rows)


def _shown(reader: Reader, key: Key) -> KeyShown:
    fixed = FIXED.get(key.purpose)
    wrapped_only = "it is never rotated; after a leak it is wrapped: imp keys wrap supp"
    return KeyShown(
        purpose=key.purpose,
        id=key.id,
        state=key.state.value,
        epoch=key.epoch,
        created=None if key.created_us is None else format_time(key.created_us),
        wraps=key.wraps,
        rows=rows_of_epoch(reader, key.epoch) if key.purpose == "pepper" else None,
        rotated=key.purpose in ROTATED,
        change=f"it stays: {fixed}" if fixed else ROTATED.get(key.purpose, wrapped_only),
    )


def _count(reader: Reader, table: str) -> int:
    (n,) = reader.sql.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 (a name from the schema)
    return int(n)
