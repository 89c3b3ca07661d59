"""What writers were answered, against one snapshot of what is there: nothing acknowledged lost, nothing half-done.

The answers are read before the snapshot is taken. A writer's people are its own, and nobody who was erased comes back,
so that what must be there follows from what each writer told, whatever the others did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.campaign import children
from benchmarks.campaign.acks import Attempt, read_attempts
from benchmarks.campaign.deeds import do
from benchmarks.campaign.desk import CHANNEL, PURPOSE, Desk, desk_for
from benchmarks.campaign.key_check import keys_lost
from benchmarks.campaign.key_deeds import KEY_DEEDS
from benchmarks.campaign.people import Person, answers, people_of
from benchmarks.campaign.shop import LATER_US, Shop
from imp_consent.identity.pseudonym import event_key
from imp_consent.ledger.reader import Reader
from imp_consent.plane import archive
from imp_consent.plane.inbox import select_rows
from imp_consent.plane.remove import resume
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.event import RawId

__all__ = ["aftermath", "later", "lost", "recover", "rows_there", "unsound"]


_MANY: Final = 1_000_000
_AFTER: Final = ("record", "ingest", "accept", "compact", "readout", "erase", "ratchet")
# The types of the entries whose seqs a deed answers.
_MARKS: Final = {
    "use-open": ("use-open",),
    "use-close": ("use-close",),
    "ingest": ("collect",),
    "compact": ("collect", "compact"),
    "erase": ("erased",),
}


def lost(shop: Shop, attempts: Sequence[Attempt]) -> list[str]:
    """What was acknowledged and is not there, or is there by half; in words."""
    with shop.opened() as ctx:
        log = open_log(ctx)
        outside = log.outside()
        with log.read() as reader:
            found = [*_entries(reader, attempts), *_persons(reader, attempts), *_events(ctx, reader, attempts)]
        found += _answers(ctx, attempts)
        signed = max((attempt.answer["size"] for attempt in _done(attempts, "checkpoint")), default=0)
        if signed > (outside.size if outside else 0):
            found.append(f"a checkpoint of {signed} entries was answered, the one outside has not so many")
    return found


def unsound(shop: Shop) -> list[str]:
    """What `imp audit verify` finds."""
    return [f"{problem.code} {problem.place}: {problem.sentence}" for problem in shop.verify().problems]


def recover(shop: Shop, desk: Desk) -> list[str]:
    """Two hours later somebody goes on: erasures are finished, and every command works; then nothing is left over.

    The desk's context is the shop's, as far ahead.
    """
    ctx = desk.ctx
    resume(open_log(ctx), ctx.workspace)
    for deed in (
        "record",
        "ingest",
        "accept",
        "compact",
        "readout",
        "erase",
        "ratchet",
        *KEY_DEEDS,
        "append",
        "checkpoint",
    ):
        do(desk, deed)
    with open_log(ctx).read() as reader:
        left = [
            f"{table} has {count} rows left"
            for table in ("erasure", "lease")
            for (count,) in reader.sql.execute(f"SELECT count(*) FROM {table}")
            if count
        ]
    ctx.close()
    folders = (ctx.workspace.temporary, shop.root)
    left += [f"{path.name} is left over" for path in folders[0].glob("*")]
    left += [f"{path.name} is left over" for path in folders[1].glob(".*.new")]
    done = shop.verify()
    return left + [f"{note.code} {note.place}: {note.sentence}" for note in (*done.problems, *done.notes)]


def aftermath(shop: Shop, acks: Path, attempts: list[Attempt]) -> list[str]:
    """In a process of its own: what was told holds; two hours later the commands go on, and it holds still.

    `acks` is a file for what is told then.
    """

    def work() -> list[str]:
        found = lost(shop, attempts) + unsound(shop)
        if found:
            return found
        acks.unlink(missing_ok=True)
        desk = desk_for(later(shop), acks, "after", seed="after")
        return recover(shop, desk) + lost(shop, attempts + read_attempts(acks.read_text().splitlines()))

    try:
        return list(children.run(work, quiet=False))
    except children.Crashed as crash:
        return [str(crash)]


def later(shop: Shop) -> Context:
    """The shop's context two hours later."""
    return shop.context(ahead_us=LATER_US)


def _done(attempts: Iterable[Attempt], deed: str) -> Iterator[Attempt]:
    return (attempt for attempt in attempts if attempt.deed == deed and attempt.answer is not None)


def _entries(reader: Reader, attempts: Sequence[Attempt]) -> Iterator[str]:
    count, first, last = reader.sql.execute("SELECT count(*), min(seq), max(seq) FROM entry").fetchone()
    if (count, first, last) != (reader.size, 0, reader.size - 1):
        yield f"the head counts {reader.size} entries, there are {count} from {first} to {last}"
    yield from _appended(reader, attempts)
    for deed, types in _MARKS.items():
        there = {entry.seq for type_ in types for entry in reader.system_entries(type_)}
        for attempt in _done(attempts, deed):
            answer = attempt.answer or {}
            lacking = set(answer.get("seqs", [answer.get("seq")])) - there - {None}
            if lacking:
                yield f"{deed}: entries {sorted(lacking)} were answered and are not there"
    yield from keys_lost(reader, attempts)


def _appended(reader: Reader, attempts: Sequence[Attempt]) -> Iterator[str]:
    seqs: dict[str, list[int]] = {}
    for entry in reader.system_entries("access-request"):
        seqs.setdefault(str(entry.fields.get("nonce")), []).append(entry.seq)
    for attempt in (attempt for attempt in attempts if attempt.deed == "append"):
        found = seqs.get(attempt.said["nonce"], [])
        if attempt.answer is not None and found != attempt.answer["seqs"]:
            yield f"append {attempt.said['nonce']}: answered {attempt.answer['seqs']}, there are {found}"
        if len(found) not in {0, attempt.said["count"]}:
            yield f"append {attempt.said['nonce']}: {len(found)} of {attempt.said['count']} entries are there"


def _persons(reader: Reader, attempts: Sequence[Attempt]) -> Iterator[str]:
    people = people_of(attempts)
    known: dict[str, set[int] | None] = {}
    for name, person in people.items():
        subject = reader.find_subject(RawId("member", name))
        history = [] if subject is None else reader.history(subject)
        known[name] = None if subject is None else {entry.seq for entry in history}
        if person.erased and subject is not None:
            yield f"{name} was erased and is known"
        if person.requested and subject is not None and history[-1].statement.type != "erase-requested":
            yield f"{name} asked for erasure, which is forgotten"
        if not person.asked and not set(person.said) <= (known[name] or set()):
            yield f"{name} said entries {person.said}, there are {sorted(known[name] or ())}"
    for attempt in attempts:
        if attempt.deed == "import" and not any(people[name].asked for name in attempt.said["people"]):
            there = sum(known[name] is not None for name in attempt.said["people"])
            if there not in {0, len(attempt.said["people"])}:
                yield f"an import of {len(attempt.said['people'])} people left {there}"


def _answers(ctx: Context, attempts: Sequence[Attempt]) -> Iterator[str]:
    """The gate still says of everybody what they said last."""
    people = people_of(attempts)
    for name, reason in answers(ctx, people).items():
        person = people[name]
        if person.consents and not person.asked and reason != "given":
            yield f"{name} consents, and is denied: {reason}"
        if (person.denies or person.requested) and reason == "given":
            yield f"{name} withdrew or asked for erasure, and is permitted"


def _events(ctx: Context, reader: Reader, attempts: Sequence[Attempt]) -> Iterator[str]:
    there, people = rows_there(ctx, reader), people_of(attempts)
    secret = reader.keyring.active("event").secret
    expected = 0
    for attempt in (attempt for attempt in attempts if attempt.deed in {"ingest", "accept"}):
        found = {message: there[event_key(secret, CHANNEL, message).hex()] for message in attempt.said["events"]}
        expected += sum(found.values())
        yield from _batch(attempt, found, people)
    if expected != sum(there.values()):
        yield f"there are {sum(there.values())} events, {expected} of them among those that were handed in"


def _batch(attempt: Attempt, found: Mapping[str, int], people: Mapping[str, Person]) -> Iterator[str]:
    """What became of the events of one deed; `found` is how often each is there."""
    counts: Counter[int] = Counter()
    for message, name in attempt.said["events"].items():
        if found[message] > 1:
            yield f"an event is there {found[message]} times"
        if people[name].erased and found[message]:
            yield f"an event of {name}, who was erased, is there"
        if not people[name].asked and not (attempt.deed == "accept" and people[name].withdrew):
            counts[found[message]] += 1
    if attempt.answer is not None and counts[0]:
        yield f"{counts[0]} of {sum(counts.values())} events are lost of {attempt.deed} {attempt.answer}"
    if attempt.answer is None and counts[0] and counts[1]:
        yield f"{counts[1]} of {sum(counts.values())} events are there of an {attempt.deed} that was cut"


def rows_there(ctx: Context, reader: Reader) -> Mapping[str, int]:
    """How often each event is there, by its id in hex: in the archive or the inbox."""
    files = archive.live_batches(reader)
    paths = {file.path: str(archive.checked_path(ctx.workspace, file)) for file in files}
    connection = archive.scan(ctx.workspace, list(paths.values()))
    try:
        found = connection.execute("SELECT event_id, count(*) FROM archive_row GROUP BY event_id").fetchall()
        purposes = connection.execute("SELECT DISTINCT purpose FROM archive_row").fetchall()
    finally:
        connection.close()
    if not set(purposes) <= {(PURPOSE,)}:
        raise AssertionError("rows of another purpose")
    waiting = [event_id for lot in select_rows(reader, CHANNEL, limit=_MANY, size=_MANY) for event_id in lot.ids]
    return Counter(dict(found)) + Counter(event_id.hex() for event_id in waiting)
