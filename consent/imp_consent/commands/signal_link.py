"""`imp consent signal link`: which person uses a device, so that what it asks for holds for them too."""

from __future__ import annotations

from dataclasses import dataclass

import click

from imp_consent.commands.arguments import read_identifier, time_option
from imp_consent.commands.hearing import voice
from imp_consent.identity.normalize import DEVICE_KINDS, KINDS
from imp_consent.plane.linked import link, unlink
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["LinkResult", "link_device", "signal_link_command"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkResult:
    """Whether the link stands now, whether this changed it, and how many signals reached the person by it."""

    linked: bool
    changed: bool
    reached: int = 0


def link_device(
    ctx: Context, device: RawId, person: RawId, *, at_us: int | None = None, end: bool = False
) -> LinkResult:
    """Link a device to the person who uses it, or `end` that. Opt-out signals travel along a link, consents never.

    Raises:
        BadInput: the first is no device's, an identifier is malformed, both are one, or the time is to come.
        Suppressed: one of them was erased.
    """
    if not end:
        _check_device(device)
    with open_log(ctx).write() as transaction:
        when = transaction.now_us if at_us is None else at_us
        speak = voice(ctx, surface="command line")(transaction)
        if end:
            return LinkResult(linked=False, changed=unlink(transaction, speak, device, person, at_us=when))
        reached = link(transaction, speak, device, person, at_us=when)
        return LinkResult(linked=True, changed=reached is not None, reached=reached or 0)


@click.command("link")
@click.argument("device", metavar="DEVICE")
@click.argument("person", metavar="PERSON|-")
@click.option("--at", help="Since when (with --end: until when), ISO 8601 with a zone (default: now).")
@click.option("--end", is_flag=True, help="End the link; what travelled along it stays.")
@json_option
@pass_context
def signal_link_command(ctx: Context, *, device: str, person: str, at: str | None, end: bool, as_json: bool) -> None:
    """Link a device to the person who uses it: its opt-out signals hold for them at once. Both are kind:value.

    Example: imp consent signal link device:tab-1 member:123
    """
    done = link_device(ctx, RawId.parse(device), read_identifier(person), at_us=time_option(at, "--at"), end=end)
    emit(done, lambda: _text(done), as_json=as_json)


def _check_device(device: RawId) -> None:
    """The wrong way round, what the device asks for would never reach the person."""
    if device.kind in KINDS and device.kind not in DEVICE_KINDS:
        raise BadInput(
            "the first identifier is not a device's",
            where="DEVICE",
            mend=f"name the device first, by {', '.join(DEVICE_KINDS)}, then the person who uses it",
        )


def _text(done: LinkResult) -> str:
    if not done.changed:
        return "linked already: nothing to do" if done.linked else "there is no such link: nothing to do"
    signals = "1 signal reaches" if done.reached == 1 else f"{done.reached} signals reach"
    return f"linked; {signals} the person at once" if done.linked else "the link has ended"
