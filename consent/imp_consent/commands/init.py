"""`imp init`: create a workspace, its keys and its ledger, or nothing."""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import zoneinfo
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from imp_consent.identity.keys import Keyring, keys_folder
from imp_consent.ledger.log import Log, create_log
from imp_consent.ledger.store import SCHEMA_VERSION, connect_read_only, upgrade_database
from imp_consent.policy.notice import default_notice, register_notice
from imp_consent.policy.project import project, refold
from imp_consent.policy.purpose import DEFAULT_PURPOSES
from imp_consent.policy.regime import packaged, register_regimes
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.counting import some
from imp_core.errors import BadInput, LedgerBroken
from imp_core.settings import check_controller
from imp_core.workspace import CONFIG_NAME, Workspace, write_atomically

__all__ = ["Initialised", "Upgraded", "init", "init_command", "upgrade"]

_CONFIG = """\
# An IMP workspace. Its keys live elsewhere: IMP_KEYS, else the user's configuration folder.

[workspace]
log_id = {log_id}
controller = {controller}
timezone = {timezone}

[privacy]
k = 10  # groups of fewer people than this are never shown
"""
_FIRST_ENTRIES: Final = 2  # what `init` itself appends: purposes and a notice
_OTHER_KEYS: Final = "set IMP_KEYS to a folder that is new or empty; remove no keys"
_LOST: Final = "see docs/ledger.md, When something broke"


@dataclass(frozen=True, slots=True, kw_only=True)
class Initialised:
    """A new workspace: where it and its keys are, whose it is, and the key that verifies its checkpoints."""

    root: str
    keys: str
    controller: str
    log_id: str
    verifier_key: str
    purposes: tuple[str, ...]
    warnings: tuple[str, ...]


def init(ctx: Context, folder: Path, *, controller: str | None = None, timezone: str = "UTC") -> Initialised:
    """Create a workspace in `folder`; on any failure what was created is removed again.

    Raises:
        BadInput: there is a workspace already, the zone is unknown, or the keys would lie inside the workspace.
        KeysUnusable: the keys folder holds keys already or cannot be written.
    """
    root = folder.resolve()
    name = (controller or root.name).strip()
    warnings = () if controller else (f"the controller is called {name!r} after the folder: name it with --controller",)
    log_id = secrets.token_hex(8)
    keys = keys_folder(ctx.environ, log_id).resolve()
    _refuse(root, keys, name, timezone)
    with contextlib.ExitStack() as undo:
        verifier = _create(ctx, root, keys, undo, log_id=log_id, controller=name, timezone=timezone)
        undo.pop_all()
    ctx.reload_workspace()
    return Initialised(
        root=str(root),
        keys=str(keys),
        controller=name,
        log_id=log_id,
        verifier_key=verifier,
        purposes=tuple(purpose.name for purpose in DEFAULT_PURPOSES),
        warnings=warnings,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """A workspace's ledger is of this version's schema now; `before` is the version it had."""

    root: str
    before: str
    now: str


def upgrade(ctx: Context, folder: Path | None = None) -> Upgraded:
    """Bring a workspace's ledger to this version's schema, in one transaction; entries are not touched.

    The workspace is the one in `folder`, which is this context's from then on; without it, the present one.

    Raises:
        WorkspaceMissing: there is no workspace.
        KeysUnusable: the ledger was upgraded, but a key is missing, malformed or readable by others.
        LedgerBroken: the database is of a version this imp does not know, or cannot be written.
    """
    ctx.close()
    if folder is not None:
        ctx.reload_workspace()
        ctx.workspace = Workspace.load((ctx.directory / folder).resolve())
    before = upgrade_database(ctx.workspace.database)
    with open_log(ctx).write() as transaction:
        changed = refold(transaction)  # of whatever version it is: an upgrade may have died before this
    if changed or before != SCHEMA_VERSION:
        open_log(ctx).checkpoint()  # with what this version keeps outside the database
    return Upgraded(root=str(ctx.workspace.root), before=before, now=SCHEMA_VERSION)


def _refuse(root: Path, keys: Path, controller: str, timezone: str) -> None:
    if (root / CONFIG_NAME).exists():
        raise BadInput(
            "there is a workspace here already",
            where=str(root),
            mend="name another folder, or use this one: IMP_HOME names it, or cd into it",
        )
    if (root / "ledger.db").exists():
        raise _ledger_alone(root)
    if keys.is_relative_to(root):
        raise BadInput(
            "the keys would lie inside the workspace", where=str(keys), mend="set IMP_KEYS to another folder"
        )
    _refuse_keys(keys)
    check_controller(controller, where="--controller")
    try:
        zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # a region alone is a folder
        raise BadInput("unknown time zone", where="--timezone", mend="an IANA name such as Europe/Paris") from None


def _refuse_keys(keys: Path) -> None:
    """What is there already would be of another ledger, or of something else: it is never written among."""
    try:
        held = [path.suffix for path in keys.iterdir()]
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise BadInput("the keys need a folder, and this is none", where=str(keys), mend=_OTHER_KEYS) from None
    except OSError:
        return  # whose it is, and its mode, is told with the words of every command that opens keys
    if held:
        what = "keys already: they may be another ledger's" if ".key" in held else "something else"
        raise BadInput(f"the folder for the keys holds {what}", where=str(keys), mend=_OTHER_KEYS)


def _ledger_alone(root: Path) -> BadInput:
    """What a ledger without `imp.toml` is: a workspace that lost it, or an `imp init` that did not come to its end."""
    path = root / "ledger.db"
    try:
        with contextlib.closing(connect_read_only(path)) as sql:
            state = sql.execute("SELECT log_id, size FROM log_state").fetchone()
    except (LedgerBroken, sqlite3.Error) as error:
        if path.stat().st_size:
            what = error.what if isinstance(error, LedgerBroken) else type(error).__name__
            return BadInput(
                f"a ledger without {CONFIG_NAME}, which cannot be read: {what}",
                where=str(root),
                mend=f"keep it, and make the workspace in another folder; if {CONFIG_NAME} was lost here: {_LOST}",
            )
        state = None
    if state is not None and state[1] > _FIRST_ENTRIES:
        log_id, entries = str(state[0]), state[1]
        return BadInput(
            f"{CONFIG_NAME} is lost: here is the ledger {log_id}, of {some(entries, 'entry', 'entries')}",
            where=str(root),
            mend=f'remove nothing; write {CONFIG_NAME} again: [workspace], log_id = "{log_id}", controller = "…", '
            f'timezone = "…", each on a line of its own; then {_LOST}',
        )
    return BadInput(
        f"a ledger without {CONFIG_NAME} in which nobody said anything: "
        "an imp init was interrupted here, or is under way",
        where=str(root),
        mend="if none is under way, remove ledger.db and the keys folder of that attempt, and run it again",
    )


def _create(
    ctx: Context,
    root: Path,
    keys: Path,
    undo: contextlib.ExitStack,
    *,
    log_id: str,
    controller: str,
    timezone: str,
) -> str:
    """Create everything, and leave word in `undo` of each thing that was created here; returns the verifier key."""
    workspace = Workspace(root, {"workspace": {"log_id": log_id, "controller": controller}})
    for missing in [folder for folder in (*reversed(root.parents), root) if not folder.exists()]:
        _new_folder(missing, undo, mode=0o755)
    keyring = Keyring.create(keys, log_id, created_us=ctx.clock.now_us())
    undo.callback(keyring.destroy)
    create_log(workspace.database, keyring, log_id)
    for suffix in ("", "-wal", "-shm"):
        undo.callback(workspace.database.with_name(workspace.database.name + suffix).unlink, missing_ok=True)
    for folder in (workspace.archive, workspace.temporary):
        _new_folder(folder, undo, mode=0o700)
    for folder in (workspace.experiments, workspace.reports):
        if not folder.is_dir():
            _new_folder(folder, undo, mode=0o755)
    verifier = _first_entries(ctx, workspace, keyring)
    # TOML's basic strings are JSON's, but for the delete character, which no name holds.
    config = _CONFIG.format(
        log_id=json.dumps(log_id), controller=json.dumps(controller, ensure_ascii=False), timezone=json.dumps(timezone)
    )
    write_atomically(root / CONFIG_NAME, config.encode())
    return verifier


def _first_entries(ctx: Context, workspace: Workspace, keyring: Keyring) -> str:
    """Write what every ledger begins with; returns the verifier key."""
    log = Log(
        workspace.database,
        keyring,
        log_id=workspace.log_id,
        clock=ctx.clock,
        randomness=ctx.randomness,
        actor=ctx.actor,
        projection=project,
    )
    try:
        with log.write() as transaction:
            register_regimes(transaction, packaged(), purposes=DEFAULT_PURPOSES)
            register_notice(transaction, default_notice(workspace.controller))
        return log.verifier_key
    finally:
        log.close()


def _new_folder(path: Path, undo: contextlib.ExitStack, *, mode: int) -> None:
    try:
        path.mkdir(mode=mode)
    except OSError as error:
        raise BadInput(
            f"the folder cannot be created: {error.strerror}",
            where=str(path),
            mend="name another folder, or look whose the one around it is",
        ) from None
    undo.callback(_remove_folder, path)


def _remove_folder(path: Path) -> None:
    with contextlib.suppress(OSError):  # somebody put something into it meanwhile: then it is theirs
        path.rmdir()


@click.command("init")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--controller", help="Who decides on the data (default: the folder's name).")
@click.option("--timezone", default="UTC", show_default=True, help="IANA zone in which cohort days begin.")
@click.option(
    "--upgrade", "upgrade_only", is_flag=True, help="Bring the ledger of an older imp (in DIR) to this version."
)
@json_option
@pass_context
def init_command(
    ctx: Context, folder: Path | None, controller: str | None, timezone: str, *, upgrade_only: bool, as_json: bool
) -> None:
    """Create a workspace: keys (outside of it), ledger, purposes and one notice.

    Example: imp init shop --controller "Shop Ltd"
    """
    if upgrade_only:
        changed = upgrade(ctx, folder)
        said = "as it was" if changed.before == changed.now else f"was {changed.before}"
        emit(changed, f"{changed.root}: the ledger's schema is {changed.now} ({said})", as_json=as_json)
        return
    done = init(ctx, folder or Path(), controller=controller, timezone=timezone)
    for warning in done.warnings:
        click.echo(f"warning: {warning}", err=True)
    text = (
        f"workspace  {done.root}\nkeys       {done.keys} (back them up apart from the workspace)\n"
        f"controller {done.controller}\npurposes   {', '.join(done.purposes)}\nverifier   {done.verifier_key}"
    )
    emit(done, text, as_json=as_json)
