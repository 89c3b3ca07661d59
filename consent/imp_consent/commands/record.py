"""`imp consent record`: what one person said about one purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import click

from imp_consent.commands.arguments import parse_days, read_identifier, time_option
from imp_consent.commands.states import STATES, type_of
from imp_consent.commands.still_denied import still_denied_text
from imp_consent.commands.under_way import under_way_text
from imp_consent.gate import denied_channels
from imp_consent.ledger.in_flight import messages_in_flight
from imp_consent.ledger.tombstones import Tombstones
from imp_consent.policy.door import Door
from imp_consent.policy.saying import Saying
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["RecordResult", "record", "record_command"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordResult:
    """The entry that was appended. `channel` None is every channel, `until` None for good; times are ISO 8601.

    `in_flight` is how many messages to the person were under way then; None where they gave consent.
    `still_denied_on` are the channels, with the reason, on which a consent without a channel opens nothing: a channel's
    own no stands until a yes for that channel.
    """

    seq: int
    purpose: str
    state: str
    channel: str | None
    at: str
    until: str | None
    notice: str | None
    in_flight: int | None = None
    still_denied_on: Mapping[str, str] = field(default_factory=dict)


def record(
    ctx: Context,
    raw_id: RawId,
    *,
    purpose: str,
    state: str,
    channel: str | None = None,
    at_us: int | None = None,
    notice: str | None = None,
    valid_for_days: int | None = None,
    action: str | None = None,
    evidence: str | None = None,
    surface: str = "command line",
    returning: bool = False,
) -> RecordResult:
    """Record that a person gave, refused or withdrew consent; the person is created where nobody was known.

    `returning` is for somebody who was erased and has now given consent anew, in person and verified: nobody knows any
    more when they were erased, so that a return is now, and consent from before it counts no more.

    Raises:
        Suppressed: the person was erased, and is not returning; or came back, and gave this consent before that.
        BadInput: the identifier is malformed, the purpose, state or notice unknown, the time to come, the consent
            could not be valid, or a return has a time.
    """
    if returning and at_us is not None:
        what = "a return is recorded when it happens: its time is now"
        raise BadInput(what, where="--at", mend="leave out --at, or --returning")
    said = Saying(
        purpose=purpose,
        type=type_of(state),
        at_us=ctx.clock.now_us() if at_us is None else at_us,
        channel=channel or "",
        notice=notice,
        valid_for_days=valid_for_days,
        action=action,
        evidence=evidence,
    )
    return _append(ctx, raw_id, said, state=state, surface=surface, returning=returning)


@click.command("record")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option("--purpose", required=True, help="What the data may be used for; see: imp consent purpose list.")
@click.option("--state", required=True, type=click.Choice(list(STATES)), help="What the person said.")
@click.option("--channel", help="Only this channel (default: every channel).")
@click.option("--at", help="When the person said so, ISO 8601 with a zone (default: now).")
@click.option("--notice", help="The notice shown, by name or hash (default: the newest that names the purpose).")
@click.option("--valid-for", metavar="DAYSd", help="Expires after so many days, such as 180d.")
@click.option("--action", help="What the person did to say so, such as click or signature.")
@click.option("--evidence", help="Where the proof is, such as a document's number.")
@click.option("--returning", is_flag=True, help="The person was erased, and gives consent anew now.")
@json_option
@pass_context
def record_command(
    ctx: Context,
    *,
    identifier: str,
    purpose: str,
    state: str,
    channel: str | None,
    at: str | None,
    notice: str | None,
    valid_for: str | None,
    action: str | None,
    evidence: str | None,
    returning: bool,
    as_json: bool,
) -> None:
    """Record that a person gave, refused or withdrew consent; prints the entry's number.

    Example: imp consent record member:123 --purpose marketing.email --state given --channel email
    """
    done = record(
        ctx,
        read_identifier(identifier),
        purpose=purpose,
        state=state,
        channel=channel,
        at_us=time_option(at, "--at"),
        notice=notice,
        valid_for_days=None if valid_for is None else parse_days(valid_for),
        action=action,
        evidence=evidence,
        returning=returning,
    )
    where = f" on {done.channel}" if done.channel else ""
    until = f" until {done.until}" if done.until else ""
    text = f"entry {done.seq}: {done.purpose}{where} {done.state} from {done.at}{until}"
    more = under_way_text(done.in_flight) + still_denied_text(done.still_denied_on)
    emit(done, text + more, as_json=as_json)


def _append(ctx: Context, raw_id: RawId, said: Saying, *, state: str, surface: str, returning: bool) -> RecordResult:
    log = open_log(ctx)
    with log.write() as transaction:
        door = Door(ctx, transaction, surface=surface)
        seq, subject, statement = door.append(raw_id, said, returning=returning)
        # before the commit: what is suppressed outside and no longer inside would be taken for tampering
        Tombstones(log.keyring.folder, log.keyring).lift(transaction.subjects.lifted)
        in_flight = None if statement.type == "grant" else messages_in_flight(transaction, [subject])
        denied: Mapping[str, str] = {}
        if statement.type == "grant" and not said.channel:
            denied = denied_channels(transaction, subject, said.purpose, at_us=transaction.now_us)
    return RecordResult(
        seq=seq,
        purpose=said.purpose,
        state=state,
        channel=said.channel or None,
        at=format_time(said.at_us),
        until=None if statement.until_us is None else format_time(statement.until_us),
        notice=statement.notice,
        in_flight=in_flight,
        still_denied_on=denied,
    )
