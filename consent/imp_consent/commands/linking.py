"""`imp consent link` and `unlink`: which identifiers lead to a person (GDPR 16)."""

from __future__ import annotations

from dataclasses import dataclass

import click

from imp_consent.commands.arguments import read_identifier, read_identifiers
from imp_consent.commands.disclose import Asking, asked_for, request_options
from imp_consent.ledger.tombstones import Tombstones
from imp_consent.rights.asking import Asked
from imp_consent.rights.identifiers import Linked, link_identifier, unlink_identifier
from imp_consent.rights.notify import leave_notices
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["LinkResult", "link", "link_command", "unlink", "unlink_command"]

_TWO = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkResult:
    """The entry that says so, the request, and who is to be told.

    `kept_out`: the person had said no to something, so that the identifier is not taken up again by an import.
    """

    seq: int
    request: str
    to_notify: tuple[str, ...]
    kept_out: bool = False


def link(ctx: Context, raw: RawId, other: RawId, asked: Asked) -> LinkResult:
    """Let another identifier lead to a person as well.

    Raises:
        CheckFailed: it is not known surely enough who asks, nobody is known by the first, or somebody by the other.
        Suppressed: the person of the other was erased.
        BadInput: an identifier is malformed.
    """
    with open_log(ctx).write() as transaction:
        done = link_identifier(ctx, transaction, raw, other, asked)
        told = tuple(one.name for one in leave_notices(transaction, [done.subject], "rectify"))
    return _result(done, told)


def unlink(ctx: Context, raw: RawId, asked: Asked) -> LinkResult:
    """Let an identifier lead to its person no more.

    Raises:
        CheckFailed: it is not known surely enough who asks, nobody is known by it, or by no other.
        BadInput: the identifier is malformed.
    """
    log = open_log(ctx)
    with log.write() as transaction:
        done = unlink_identifier(ctx, transaction, raw, asked)
        told = tuple(one.name for one in leave_notices(transaction, [done.subject], "rectify"))
    # after the commit: outside, a token that the database lacks would be taken for tampering
    Tombstones(log.keyring.folder, log.keyring).suppress(done.suppressed)
    return _result(done, told)


@click.command("link")
@click.argument("identifiers", nargs=-1, metavar="KIND:VALUE KIND:VALUE|-")
@request_options
@json_option
@pass_context
def link_command(ctx: Context, *, identifiers: tuple[str, ...], asking: Asking, as_json: bool) -> None:
    """Let the second identifier lead to the person of the first as well, such as a new address.

    Example: imp consent link member:123 email:ann@example.com --verified reasonable --how "logged in"
    """
    raws = read_identifiers() if identifiers == ("-",) else [RawId.parse(word) for word in identifiers]
    if len(raws) != _TWO:
        raise BadInput(
            "two identifiers are needed", where="identifier", mend="the one that is known first, then the new"
        )
    done = link(ctx, raws[0], raws[1], asked_for("rectify", asking))
    emit(done, f"entry {done.seq}: linked{_told(done)}", as_json=as_json)


@click.command("unlink")
@click.argument("identifier", metavar="KIND:VALUE|-")
@request_options
@json_option
@pass_context
def unlink_command(ctx: Context, *, identifier: str, asking: Asking, as_json: bool) -> None:
    """Let an identifier lead to its person no more: it was wrong, or is no longer theirs.

    Example: imp consent unlink email:old@example.com --verified reasonable --how "logged in"
    """
    done = unlink(ctx, read_identifier(identifier), asked_for("rectify", asking))
    kept = "; as the person said no to something, no import takes it up again" if done.kept_out else ""
    emit(done, f"entry {done.seq}: unlinked{kept}{_told(done)}", as_json=as_json)


def _result(done: Linked, told: tuple[str, ...]) -> LinkResult:
    return LinkResult(seq=done.seq, request=done.request.id, to_notify=told, kept_out=bool(done.suppressed))


def _told(done: LinkResult) -> str:
    if not done.to_notify:
        return ""
    return f"\nrecipients to be told: {', '.join(done.to_notify)}; see: imp consent recipients list"
