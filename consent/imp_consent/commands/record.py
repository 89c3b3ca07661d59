"""`imp consent record`: what one person said about one purpose, or by one act about several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import click

from imp_consent.commands.arguments import parse_days, read_identifier, time_option
from imp_consent.commands.law_taken import law_text, other_law, other_law_warnings
from imp_consent.commands.left_standing import left_standing
from imp_consent.commands.notice_taken import OLDER_THAN_NOTICE, NoticeTaken, notice_taken, notice_taken_text
from imp_consent.commands.opens_nothing import opens_nothing, opens_nothing_text
from imp_consent.commands.saying_options import law_options, of_law
from imp_consent.commands.states import STATES, type_of
from imp_consent.commands.still_denied import still_denied_text
from imp_consent.commands.tasks_opened import TaskOpened, task_opened, task_text
from imp_consent.commands.under_way import under_way_text
from imp_consent.commands.unknown_until_now import is_unknown, of_whom
from imp_consent.commands.yes_taken import warnings_of_yes, warnings_text
from imp_consent.gate import denied_channels
from imp_consent.ledger.entry import EVERY_PURPOSE
from imp_consent.ledger.in_flight import messages_in_flight
from imp_consent.ledger.tombstones import Tombstones
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.door import Appended, Door
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.rules import CONSENTS
from imp_consent.policy.saying import Saying
from imp_consent.policy.shown import predates
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["RecordResult", "record", "record_command", "record_together"]

_OF_A_YES: Final = {"valid_for": "--valid-for", "consent": "--consent", "informed": "--informed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordResult:
    """The entry that was appended. `channel` None is every channel, `until` None for good; times are ISO 8601.

    `bundled` consent opens nothing: one act was for several purposes. `covers` are the purposes below that it covers.
    `in_flight` is how many messages to the person were under way then; None where they gave consent.
    `still_denied_on` are the channels, with the reason, on which a consent without a channel opens nothing: a channel's
    own no stands until a yes for that channel. `shown` is the notice it rests on (None: on none, or nobody said which).
    `older_than_notice`: nobody said which text was shown, and a yes is older than every one registered here; it rests
    on the oldest then. `regimes` and `jurisdiction` (None: not known) are the law under which it was taken, and
    `law_because` says where that is from (None: it was named, or is imp.toml's).
    `returned`: by it somebody who was erased came back.
    `opens_nothing` says why a consent opens nothing now: who gave it is too young, or what still denies it. `warnings`
    say why it may be no consent: by what act it was given is not clear, who receives the data was not said, or it names
    no law where the person's age, or what they said last, is under another than imp.toml's; or that a withdrawal takes
    nothing back, since nobody was known by the identifier. `erasure` was opened without being asked for.
    """

    seq: int
    purpose: str
    state: str
    channel: str | None
    at: str
    until: str | None
    notice: str | None
    bundled: bool = False
    covers: tuple[str, ...] = ()
    in_flight: int | None = None
    still_denied_on: Mapping[str, str] = field(default_factory=dict)
    shown: NoticeTaken | None = None
    older_than_notice: bool = False
    regimes: tuple[str, ...] = ()
    jurisdiction: str | None = None
    law_because: str | None = None
    returned: bool = False
    opens_nothing: str | None = None
    warnings: tuple[str, ...] = ()
    erasure: TaskOpened | None = None


def record(
    ctx: Context,
    raw_id: RawId,
    *,
    purpose: str,
    state: str,
    at_us: int | None = None,
    surface: str = "command line",
    returning: bool = False,
    **words: Any,  # noqa: ANN401 (the fields of a Saying, by their names)
) -> RecordResult:
    """Record that a person gave, refused or withdrew consent; the person is created where nobody was known.

    `words` are further fields of `Saying`: channel, notice, valid_for_days, action, evidence, consent and so on.
    `returning` is for somebody who was erased and has now given consent anew, in person and verified: nobody knows any
    more when they were erased, so that a return is now, and consent from before it counts no more.

    Raises:
        Suppressed: the person was erased, and is not returning; or came back, and gave this consent before that.
        BadInput: the identifier is malformed, the purpose, state or notice unknown, the time to come, the consent
            could not be valid, or a return has a time.
    """
    (done,) = record_together(
        ctx, raw_id, purposes=(purpose,), state=state, at_us=at_us, surface=surface, returning=returning, **words
    )
    return done


def record_together(
    ctx: Context,
    raw_id: RawId,
    *,
    purposes: Sequence[str],
    state: str,
    at_us: int | None = None,
    surface: str = "command line",
    returning: bool = False,
    **words: Any,  # noqa: ANN401 (the fields of a Saying, by their names)
) -> tuple[RecordResult, ...]:
    """Record what a person said about several purposes by one act: one entry each, all of them or none.

    With `bundled` there was no choice for each of them, and where consent must come first it opens nothing (GDPR 7(2)).

    Raises:
        Suppressed: as `record`.
        BadInput: as `record`, for any of them.
    """
    if returning and at_us is not None:
        what = "a return is recorded when it happens: its time is now"
        raise BadInput(what, where="--at", mend="leave out --at, or --returning")
    channel = words.pop("channel", None) or ""
    log = open_log(ctx)
    with log.write() as transaction:
        said = Saying(
            type=type_of(state),
            purpose=purposes[0],
            at_us=transaction.now_us if at_us is None else at_us,
            channel=channel,
            shared=len(purposes) > 1 and not words.get("bundled"),
            **words,
        )
        door = Door(ctx, transaction, surface=surface)
        # who says no at first sight may refuse; who withdraws has said something before, and not under this name
        unknown = said.type == "withdraw" and is_unknown(transaction, raw_id)
        done, seqs = [], list[int]()
        for number, purpose in enumerate(purposes):
            one = door.settle(raw_id, replace(said, purpose=purpose))
            appended = door.append(raw_id, one, returning=returning and number == 0)
            seqs.append(appended.seq)
            done.append(_result(transaction, door, one, appended, state=state, since=seqs[0]))
        strange = of_whom(transaction, raw_id, unknown=unknown)
        returned = bool(transaction.subjects.lifted)
        # before the commit: what is suppressed outside and no longer inside would be taken for tampering
        Tombstones(log.keyring.folder, log.keyring).lift(transaction.subjects.lifted)
    return tuple(replace(one, returned=returned, warnings=(*one.warnings, *strange)) for one in done)


@click.command("record")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option("--purpose", "purposes", required=True, multiple=True, help="What for; see: imp consent purpose list.")
@click.option("--state", required=True, type=click.Choice(list(STATES)), help="What the person said.")
@click.option("--channel", help="Only this channel (default: every channel).")
@click.option("--at", help="When the person said so, ISO 8601 with a zone (default: now).")
@click.option(
    "--notice",
    help="The notice shown, by name or hash (default: the newest then that names the purpose, "
    "before all of them the oldest).",
)
@click.option(
    "--language", help="The language in which it was shown, such as zh-Hans (needed where it stands in several)."
)
@click.option("--valid-for", metavar="DAYSd", help="Expires after so many days, such as 180d.")
@click.option("--action", help="What the person did to say so, such as click or signature.")
@click.option("--steps", type=click.IntRange(1, 100), help="In how many steps.")
@click.option("--evidence", help="Where the proof is, such as a document's number.")
@click.option("--consent", type=click.Choice(list(CONSENTS)), help="How it was given (default: expressed).")
@click.option("--bundled", is_flag=True, help="One yes for all these purposes at once, without a choice for each.")
@click.option("--each", is_flag=True, help="One form with a choice for each of these purposes.")
@click.option("--informed", is_flag=True, help="They were told of the opt-out signal this conflicts with.")
@click.option("--by-guardian", is_flag=True, help="The guardian acted for the person; see: imp consent guardian.")
@click.option("--returning", is_flag=True, help="The person was erased, and gives consent anew now.")
@law_options
@json_option
@pass_context
def record_command(
    ctx: Context,
    /,
    *,
    identifier: str,
    purposes: tuple[str, ...],
    state: str,
    at: str | None,
    valid_for: str | None,
    each: bool,
    by_guardian: bool,
    as_json: bool,
    **words: Any,  # noqa: ANN401 (click's options, named as a Saying's fields)
) -> None:
    """Record that a person gave, refused or withdrew consent; prints the entry's number.

    Example: imp consent record member:123 --purpose marketing.email --state given --channel email
    """
    _check_purposes(purposes, state=state, each=each, bundled=words["bundled"])
    done = record_together(
        ctx,
        read_identifier(identifier),
        purposes=purposes,
        state=state,
        at_us=time_option(at, "--at"),
        valid_for_days=None if valid_for is None else parse_days(valid_for),
        by="guardian" if by_guardian else None,
        **of_law(words),
    )
    _warn(done, state=state, words={**words, "valid_for": valid_for, "as_json": as_json})
    if len(done) == 1:
        emit(done[0], lambda: _text(done[0]), as_json=as_json)
    else:
        emit({"entries": [asdict(one) for one in done]}, lambda: "\n".join(map(_text, done)), as_json=as_json)


def _warn(done: Sequence[RecordResult], *, state: str, words: Mapping[str, Any]) -> None:
    """Say on standard error what was taken otherwise than it may have been meant: nothing is refused for it."""
    if any(one.older_than_notice for one in done):
        click.echo(f"warning: {OLDER_THAN_NOTICE}", err=True)
    if words["returning"] and not any(one.returned for one in done):
        click.echo("warning: nobody was erased under this identifier: it is no return", err=True)
    ignored = [option for name, option in _OF_A_YES.items() if words[name]] if state != "given" else []
    if state == "refused" and "--valid-for" in ignored:  # after it they may be asked anew
        ignored.remove("--valid-for")
    if ignored:
        meant = " and ".join(ignored)
        click.echo(f"warning: {meant} says nothing of a no that was {state}: it was left out", err=True)


def _check_purposes(purposes: Sequence[str], *, state: str, each: bool, bundled: bool) -> None:
    if EVERY_PURPOSE in purposes and state == "given":
        mend = "name each purpose they agreed to; see: imp consent purpose list"
        raise BadInput("nobody can agree to every purpose there is, or will be", where="--purpose", mend=mend)
    if len(set(purposes)) < len(purposes):
        raise BadInput("a purpose is named twice", where="--purpose", mend="name each once")
    mend = "--each where they had a choice for each; --bundled where one yes was for all (it opens nothing then)"
    if each and bundled:
        raise BadInput("--each and --bundled contradict each other", where="--each", mend=mend)
    if len(purposes) > 1 and state == "given" and not (each or bundled):
        raise BadInput("several purposes by one act: was there a choice for each?", where="--purpose", mend=mend)


def _result(
    transaction: Transaction, door: Door, said: Saying, appended: Appended, *, state: str, since: int
) -> RecordResult:
    seq, subject, statement = appended
    given, notice, rules = statement.type == "grant", door.notice(said), door.rules(said)
    denied: Mapping[str, str] = {}
    closed: str | None = None
    warnings = left_standing(transaction.history(subject), statement)
    if given and notice:
        earlier = [entry for entry in transaction.history(subject) if entry.seq < since]
        other = other_law(said, rules.names, door.place(said), earlier)
        warnings = warnings_of_yes(said, rules, notice.notice, read_purposes(transaction)) + other_law_warnings(other)
    if given and not statement.bundled:
        closed = opens_nothing(transaction, subject, said.purpose, said.channel)
        if not said.channel:
            denied = denied_channels(transaction, subject, said.purpose, at_us=transaction.now_us)
    return RecordResult(
        seq=seq,
        purpose=said.purpose,
        state=state,
        channel=said.channel or None,
        at=format_time(said.at_us),
        until=None if statement.until_us is None else format_time(statement.until_us),
        notice=statement.notice,
        bundled=statement.bundled,
        covers=statement.covers,
        in_flight=None if given else messages_in_flight(transaction, [subject]),
        still_denied_on=denied,
        shown=notice_taken(notice),
        older_than_notice=predates(said, notice),
        regimes=rules.names,
        jurisdiction=door.place(said),
        law_because=said.under.why if said.under else None,
        opens_nothing=closed,
        warnings=warnings,
        erasure=task_opened(transaction, subject, since=seq, now_us=transaction.now_us),
    )


def _text(done: RecordResult) -> str:
    where = f" on {done.channel}" if done.channel else ""
    until = f" until {done.until}" if done.until else ""
    text = f"entry {done.seq}: {done.purpose}{where} {done.state} from {done.at}{until}"
    bundled = "\nit was bundled with other purposes and opens nothing: ask for each by itself" if done.bundled else ""
    law = law_text(done.regimes, done.jurisdiction, done.law_because)
    more = law + notice_taken_text(done.shown) + bundled + opens_nothing_text(done.opens_nothing)
    more += warnings_text(done.warnings) + task_text(done.erasure)
    return text + more + under_way_text(done.in_flight) + still_denied_text(done.still_denied_on)
