"""One chunk: gate again and append `send-intent` in one transaction, deliver within 30 s, append `send-close`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from imp_consent.identity.unsubscribe import seal_token
from imp_consent.ledger.delivery import INTENDED, Outcome, conclude, find_outcomes, intend
from imp_consent.ledger.log import Log
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.send.campaign import Campaign
from imp_consent.plane.send.candidate import IN_FLIGHT, Candidate, Tally, permitted
from imp_consent.plane.send.journal import Journal, journal_path
from imp_core.channel import Batch, ChannelContext, DeliveryStatus, Recipient
from imp_core.clock import SECOND_US
from imp_core.event import RawId
from imp_core.outbound.backoff import Backoff
from imp_core.outbound.deliver import Delivered, deliver
from imp_core.outbound.handout import Handout
from imp_core.outbound.runner import ChannelRunner
from imp_core.ports import Json
from imp_core.stopwatch import Stopwatch
from imp_core.workspace import Workspace

__all__ = ["FRESH_SECONDS", "Carrier", "Sent", "plan_batch", "send_chunk"]

_EXAMPLE: Final = "example-token"  # not a token: whoever pastes it withdraws nobody
FRESH_SECONDS: Final = 30.0  # a permission asked for longer ago is asked for again (`DATA.md`)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """What a chunk is carried by: ledger and workspace, the channel's runner, and what the entries say of it."""

    log: Log
    workspace: Workspace
    campaign: Campaign
    runner: ChannelRunner
    context: Callable[[], ChannelContext]
    granted: bool
    stopwatch: Stopwatch
    backoff: Backoff
    pace: Callable[[int], object]
    entry: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a chunk: the deferred, to be tried again, and what broke; `stop`: nothing more may be sent."""

    deferred: tuple[Candidate, ...] = ()
    attempted: frozenset[str] = frozenset()
    problem: str | None = None
    stop: bool = False


def plan_batch(campaign: Campaign, contents: Sequence[str], *, now_us: int) -> Batch:
    """What the channel is handed to plan with: a row for each content named, and nothing of anybody in them."""
    fields = {name: f"‹{name}›" for name in campaign.fields}
    rows = [
        Recipient(handle=f"plan-{place}", key=f"plan-{place}", content=name, fields=fields, unsubscribe=_EXAMPLE)
        for place, name in enumerate(contents)
    ]
    return _batch(campaign, rows, name="plan", expires_us=now_us)


def _batch_of(carrier: Carrier, chunk: Sequence[Candidate], *, name: str, expires_us: int) -> Batch:
    """What the channel is handed to deliver."""
    campaign, key = carrier.campaign, carrier.log.keyring.active("channel")
    now_us = carrier.log.clock.now_us()
    rows = [
        Recipient(
            handle=item.handle,
            key=item.key.hex(),
            content=item.content or "",
            fields=item.source.fields,
            unsubscribe=seal_token(
                key, subject=item.subject, purpose=campaign.purpose, channel=campaign.channel, issued_us=now_us
            ),
        )
        for item in chunk
    ]
    return _batch(campaign, rows, name=name, expires_us=expires_us)


def _batch(campaign: Campaign, rows: Sequence[Recipient], *, name: str, expires_us: int) -> Batch:
    used = {row.content for row in rows}
    return Batch(
        id=name,
        campaign=campaign.name,
        step=campaign.step,
        purpose=campaign.purpose,
        contents={part: content for part, content in campaign.contents.items() if part in used},
        rows=rows,
        expires_us=expires_us,
    )


def send_chunk(carrier: Carrier, chunk: Sequence[Candidate], tally: Tally) -> Sent:
    """Send to these, who have a content each; what becomes of them is added to the tally, the deferred excepted.

    Raises:
        LedgerBroken: the ledger was changed by other hands, or cannot be written.
    """
    opened = _open(carrier, chunk, tally)
    if opened is None:
        return Sent()
    intent, going, journal = opened
    try:
        done, attempted = _delivered(carrier, intent, going, journal)
    except BaseException:
        # Interrupted: the journal tells the next run who is in doubt.
        journal.let_go()
        raise
    _close(carrier, intent, done)
    journal.remove()
    return _counted(going, done, attempted, tally)


def _delivered(
    carrier: Carrier, intent: int, going: Sequence[Candidate], journal: Journal
) -> tuple[Delivered, frozenset[str]]:
    """What became of each, and whose address was handed out; afterwards no address is handed out any more."""
    committed = carrier.stopwatch.seconds()

    def seconds_left() -> float:
        return FRESH_SECONDS - (carrier.stopwatch.seconds() - committed)

    expires_us = carrier.log.clock.now_us() + int(FRESH_SECONDS) * SECOND_US
    batch = _batch_of(carrier, going, name=str(intent), expires_us=expires_us)
    handout = Handout(
        carrier.context(),
        batch.rows,
        _addresses(going),
        purpose=batch.purpose,
        granted=carrier.granted,
        fresh=lambda: seconds_left() > 0,
        attempted=journal.attempted,
        settled=journal.settled,
    )
    try:
        done = deliver(
            carrier.runner, handout, batch, seconds_left=seconds_left, stopwatch=carrier.stopwatch,
            backoff=carrier.backoff, pace=carrier.pace,
        )  # fmt: skip
    finally:
        handout.close()
    return done, handout.attempted_keys


def _open(carrier: Carrier, chunk: Sequence[Candidate], tally: Tally) -> tuple[int, list[Candidate], Journal] | None:
    """The intent, who it names, and the journal, which is there before the intent is; None where nobody is left."""
    journal: Journal | None = None
    refused: Counter[str] = Counter()
    try:
        with carrier.log.write() as transaction:
            going = _still_permitted(transaction, carrier.campaign, chunk, refused)
            if going:
                fields = _fields(carrier, going, refused, known=transaction.size)
                document = carrier.campaign.document
                intent = intend(transaction, [item.key for item in going], fields, document=document)
                journal = Journal(journal_path(carrier.workspace.root, intent))
    except BaseException:
        if journal is not None:
            journal.remove()
        raise
    tally.refused.update(refused)
    return None if journal is None else (intent, going, journal)


def _still_permitted(
    transaction: Transaction, campaign: Campaign, chunk: Sequence[Candidate], refused: Counter[str]
) -> list[Candidate]:
    reasons = permitted(transaction, campaign, [item.subject for item in chunk], transaction.now_us)
    outcomes = find_outcomes(transaction, [item.key for item in chunk])
    going: list[Candidate] = []
    for item, reason in zip(chunk, reasons, strict=True):
        now = outcomes.get(item.key)
        if reason is not None:
            refused[reason] += 1
        elif now is not None and (now.status == INTENDED or (item.before is None or now.status != item.before.status)):
            refused[IN_FLIGHT] += 1  # another process was quicker
        else:
            going.append(item)
    return going


def _fields(carrier: Carrier, going: Sequence[Candidate], refused: Counter[str], *, known: int) -> dict[str, Json]:
    campaign = carrier.campaign
    contents = Counter(item.content or "" for item in going)
    return {
        **carrier.entry,
        "campaign": campaign.name,
        "channel": campaign.channel,
        "step": campaign.step,
        "purpose": campaign.purpose,
        "definition": campaign.sha256,
        "known": known,
        "contents": dict(sorted(contents.items())),
        "denied": dict(sorted(refused.items())),
    }


def _addresses(chunk: Sequence[Candidate]) -> dict[str, RawId]:
    return {item.handle: item.source.address for item in chunk if item.source.address is not None}


def _close(carrier: Carrier, intent: int, done: Delivered) -> None:
    results = {bytes.fromhex(key): Outcome(str(row.status), row.code) for key, row in done.statuses.items()}
    with carrier.log.write() as transaction:
        conclude(transaction, intent, results, channel=carrier.campaign.channel, recovered=False)


def _counted(going: Sequence[Candidate], done: Delivered, attempted: frozenset[str], tally: Tally) -> Sent:
    deferred: list[Candidate] = []
    for item in going:
        row = done.statuses[item.key.hex()]
        if row.status is DeliveryStatus.DEFERRED:
            deferred.append(replace(item, before=Outcome(DeliveryStatus.DEFERRED, row.code)))
            continue
        tally.settle(item, Outcome(str(row.status), row.code))
    return Sent(deferred=tuple(deferred), attempted=attempted, problem=done.problem, stop=done.stop)
