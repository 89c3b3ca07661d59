"""What writers do to a shop: each deed by the function its command calls, told of before and after."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from benchmarks.campaign.desk import CHANNEL, PURPOSE, Desk
from benchmarks.campaign.key_deeds import KEY_DEEDS
from imp_consent.commands.erase import erase
from imp_consent.commands.hearing import voice
from imp_consent.commands.importer import import_file
from imp_consent.commands.record import record
from imp_consent.ledger.ratchet import ratchet
from imp_consent.plane.compact import compact
from imp_consent.plane.inbox import accept
from imp_consent.plane.intake import Intake, SourceFile, Terms, ingest_events
from imp_consent.plane.remove import request_erasure
from imp_consent.policy.envelope import envelope
from imp_consent.policy.purpose import DEFAULT_PURPOSES
from imp_consent.runtime import open_log, open_view
from imp_core.clock import DAY_US, format_time
from imp_core.context import Context
from imp_core.errors import ImpError
from imp_core.event import EventType, RawEvent, RawId
from imp_core.gate import Action, Use
from imp_core.ports import Superseded

__all__ = ["DEEDS", "do", "do_for_ever", "intake_of"]

_TERMS: Final = Terms(channel=CHANNEL, purposes=frozenset(purpose.name for purpose in DEFAULT_PURPOSES))
# Refusals that are an answer and no fault: others were at work.
_REFUSALS: Final = (
    "the ledger kept changing under the intake",
    "there is no key of this id",  # somebody else retired it
)
_NEEDED: Final = ("identifiers are found under this key only", "wraps this one, and finds nobody without it")


def do(desk: Desk, name: str) -> str | None:
    """Do one deed; returns why it was refused, None where it was done.

    Raises:
        ImpError: it failed, which no deed may.
    """
    try:
        DEEDS[name](desk)
    except Superseded as error:
        desk.teller.failed(error.what)
        return error.what
    except ImpError as error:
        desk.teller.failed(f"{type(error).__name__}: {error}")
        if error.what in _REFUSALS or error.what.endswith(_NEEDED):
            return error.what
        raise
    return None


def do_for_ever(desk: Desk, weights: Mapping[str, int]) -> None:
    """One deed after the other, until the process is killed."""
    names, chances = list(weights), list(weights.values())
    while True:
        do(desk, desk.chance.choices(names, chances)[0])


def intake_of(ctx: Context) -> Intake:
    """Where events go."""
    return Intake(
        log=open_log(ctx),
        workspace=ctx.workspace,
        voice=voice(ctx, surface="campaign"),
    )


def _append(desk: Desk) -> None:
    nonce, count = desk.new_name(), desk.chance.randint(1, 5)
    with desk.teller.trying("append", nonce=nonce, count=count) as answer:
        with desk.log.write() as transaction:
            seqs = [transaction.append_system("access-request", {"nonce": nonce, "place": at}) for at in range(count)]
        answer["seqs"] = seqs


def _record(desk: Desk) -> None:
    old = desk.people and desk.chance.random() < 0.3
    person = desk.chance.choice(desk.people) if old else desk.new_name()
    state = desk.chance.choice(("given", "given", "withdrawn" if old else "given"))
    with desk.teller.trying("record", person=person, state=state) as answer:
        answer["seq"] = record(desk.ctx, RawId("member", person), purpose=PURPOSE, state=state).seq
    if state == "withdrawn":
        desk.people.remove(person)
    elif not old:
        desk.people.append(person)


def _import(desk: Desk) -> None:
    people = [desk.new_name() for _ in range(desk.chance.randint(2, 9))]
    asked = format_time(desk.ctx.clock.now_us() - DAY_US)
    path = desk.ctx.directory / f"{people[0]}.csv"
    _write_plainly(
        path,
        "identifier,purpose,state,at\n" + "".join(f"member:{name},{PURPOSE},given,{asked}\n" for name in people),
    )
    with desk.teller.trying("import", people=people) as answer:
        done = import_file(desk.ctx, path)
        answer |= {"first": done.first_seq, "last": done.last_seq}
    with contextlib.suppress(OSError):  # the campaign's own file, which a fault may hit as well
        path.unlink()
    desk.people += people


def _write_plainly(path: Path, text: str) -> None:
    """What a person would hand in: not with write(2), which a campaign may let fail."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    os.writev(descriptor, [text.encode()])
    os.close(descriptor)


def _events(desk: Desk) -> tuple[dict[str, str], list[RawEvent]]:
    """Events of its own people who consented, by message id, and of somebody nobody knows."""
    named: dict[str, str] = {}
    for person in desk.some(5):
        named |= {desk.new_name(): person for _ in range(desk.chance.randint(1, 3))}
    rows = [_event(desk, message, person) for message, person in named.items()]
    rows.append(_event(desk, desk.new_name(), f"nobody-{desk.name}"))
    desk.chance.shuffle(rows)
    return named, rows


def _event(desk: Desk, message: str, person: str) -> RawEvent:
    exposed = desk.chance.random() < 0.3
    return RawEvent(
        type=EventType.EXPOSURE if exposed else EventType.TOUCHPOINT,
        identifier=RawId("member", person),
        event_us=desk.ctx.clock.now_us(),
        purpose=PURPOSE,
        message_id=message,
        experiment="banner" if exposed else None,
        variant=desk.chance.choice("ab") if exposed else None,
    )


def _ingest(desk: Desk) -> None:
    named, rows = _events(desk)
    if not named:
        return
    source = SourceFile(name="rows.csv", sha256=hashlib.sha256(desk.new_name().encode()).hexdigest())
    with desk.teller.trying("ingest", events=named) as answer:
        done = ingest_events(intake_of(desk.ctx), rows, terms=_TERMS, source=source)
        answer |= {"batch": done.batch, "seq": done.seq, "admitted": done.admitted}


def _accept(desk: Desk) -> None:
    named, rows = _events(desk)
    if not named:
        return
    with desk.teller.trying("accept", events=named) as answer:
        answer["accepted"] = accept(intake_of(desk.ctx), rows, terms=_TERMS, name="inbox").accepted


def _compact(desk: Desk) -> None:
    with desk.teller.trying("compact") as answer:
        done = compact(intake_of(desk.ctx))
        answer["seqs"] = [one.seq for one in (*done.collected, *done.merged)]


def _ratchet(desk: Desk) -> None:
    with desk.teller.trying("ratchet") as answer:
        done = ratchet(desk.log)
        answer |= {"seq": done.seq, "id": done.id, "previous": done.previous}


def _request(desk: Desk) -> None:
    if not desk.people:
        return
    person = desk.people.pop(desk.chance.randrange(len(desk.people)))
    with desk.log.read() as reader:
        subject = reader.find_subject(RawId("member", person))
    if subject is None:
        return
    body = envelope(desk.ctx, type_="erase-requested", event_us=desk.ctx.clock.now_us(), purpose="*")
    with desk.teller.trying("request", people=[person]) as answer:
        answer["seqs"] = request_erasure(desk.log, [subject], body)


def _erase(desk: Desk) -> None:
    if not desk.people:
        return
    people = desk.some(2)
    desk.people = [person for person in desk.people if person not in people]
    with desk.teller.trying("erase", people=people) as answer:
        done = erase(desk.ctx, [RawId("member", person) for person in people])
        answer |= {"seq": done.seq, "people": done.people}


def _readout(desk: Desk) -> None:
    with desk.teller.trying("use-open") as answer:
        opened = open_view(desk.ctx).open(Use(purpose=PURPOSE, action=Action.ANALYSE))
        answer["seq"] = opened.seq
    rows, people = opened.events.aggregate("count(*), count(DISTINCT subject)").fetchall()[0]
    with desk.teller.trying("use-close", use=opened.seq) as answer:
        counts = {"rows": rows, "subjects": people}
        answer["seq"] = opened.close(readout_sha256=hashlib.sha256(repr(counts).encode()).hexdigest(), counts=counts)


def _checkpoint(desk: Desk) -> None:
    with desk.teller.trying("checkpoint") as answer:
        answer["size"] = desk.log.checkpoint().size


DEEDS: Final[Mapping[str, Callable[[Desk], None]]] = {
    "append": _append,
    "record": _record,
    "import": _import,
    "ingest": _ingest,
    "accept": _accept,
    "compact": _compact,
    "ratchet": _ratchet,
    "request": _request,
    "erase": _erase,
    "readout": _readout,
    "checkpoint": _checkpoint,
    **KEY_DEEDS,
}
