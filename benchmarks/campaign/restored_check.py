"""What a restore promises (docs/backups.md), against the shop it left and what was told before the database was lost.

Every signed entry is there again as a leaf. What people said since the backup is lost: they are denied, and nobody is
permitted more than they gave. Whoever was erased stays so. Events of the backup are there, once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.campaign.acks import Attempt, read_attempts
from benchmarks.campaign.check import later, recover, rows_there, unsound
from benchmarks.campaign.desk import CHANNEL, PURPOSE, desk_for
from benchmarks.campaign.key_check import keys_lost
from benchmarks.campaign.people import Person, answers, people_of
from benchmarks.campaign.shop import Shop
from imp_consent.commands.record import record
from imp_consent.identity.pseudonym import event_key
from imp_consent.ledger.reader import Reader
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.event import RawId

__all__ = ["Before", "go_on", "lost_in_restore"]

_NOTHING = hashlib.sha256(b"[]").hexdigest()


@dataclass(frozen=True, slots=True)
class Before:
    """What was known before the database was lost.

    `told` is how many attempts were told at the backup, `backed_up` how many entries it holds, `at_backup` the gate's
    reason for each person then. `leaves` are those that were signed at the end, in hex; `chains` the numbers of each
    person's entries, signed or not; whoever was erased has none. `erasing`: an erasure was under way, so that there may
    be files whose names no signed entry holds yet, and none of those before them: their batches may be lost.
    """

    told: int
    backed_up: int
    at_backup: Mapping[str, str]
    leaves: Sequence[str]
    chains: Mapping[str, Sequence[int]]
    erasing: bool

    def in_backup(self, name: str) -> bool:
        """Whether the backup holds an entry of somebody who was not erased."""
        return any(seq < self.backed_up for seq in self.chains.get(name, ()))

    def signed_since(self, name: str) -> bool:
        """Whether somebody said something since that was signed."""
        return any(self.backed_up <= seq < len(self.leaves) for seq in self.chains.get(name, ()))


@dataclass(frozen=True, slots=True)
class _Now:
    """What a restored shop says of somebody: the gate's reason, and the numbers of their entries; None: unknown."""

    reason: str
    seqs: frozenset[int] | None


def lost_in_restore(
    ctx: Context, before: Before, attempts: Sequence[Attempt], *, anew: Sequence[str] = ()
) -> list[str]:
    """Whatever of the promises does not hold, in words. `anew` are people who said something since."""
    people = people_of(attempts)
    with open_log(ctx).read() as reader:
        now = {name: _Now(reason, _seqs(reader, name)) for name, reason in answers(ctx, people).items()}
        return [
            *_leaves(reader, before),
            *keys_lost(reader, attempts),
            *(
                f"{name}: {what}"
                for name, person in people.items()
                if name not in anew
                for what in _person(before, name, person, now[name])
            ),
            *_events(ctx, reader, before, attempts, now),
        ]


def go_on(shop: Shop, acks: Path, before: Before, attempts: list[Attempt]) -> list[str]:
    """Somebody who is denied says yes again; two hours later every command works; and every promise holds still."""
    with shop.opened() as ctx:
        lost = [name for name, reason in answers(ctx, before.at_backup).items() if reason == "lost"]
        for name in lost[:1]:
            record(ctx, RawId("member", name), purpose=PURPOSE, state="given")
            if answers(ctx, [name])[name] != "given":
                return [f"{name} said yes again, and is denied"]
    acks.unlink(missing_ok=True)
    found = recover(shop, desk_for(later(shop), acks, "after", seed="after"))
    told = [*attempts, *read_attempts(acks.read_text(encoding="utf-8").splitlines())]
    with shop.opened() as ctx:
        found += lost_in_restore(ctx, before, told, anew=(*lost[:1], *people_of(told[len(attempts) :])))
    return found + unsound(shop)


def _seqs(reader: Reader, name: str) -> frozenset[int] | None:
    subject = reader.find_subject(RawId("member", name))
    return None if subject is None else frozenset(entry.seq for entry in reader.history(subject))


def _leaves(reader: Reader, before: Before) -> Iterator[str]:
    there = [leaf.hex() for (leaf,) in reader.sql.execute("SELECT leaf FROM entry ORDER BY seq")]
    if there[: len(before.leaves)] != list(before.leaves):
        wrong = [seq for seq, leaf in enumerate(before.leaves) if there[seq : seq + 1] != [leaf]]
        yield f"entries that were signed are not there, or others: {wrong[:10]}"
    said = list(reader.system_entries("restore"))
    if len(said) != 1:
        yield f"{len(said)} entries say that there was a restore"
    for entry in said:
        if entry.fields["documents_lost"] or (entry.fields["batches_lost"] != _NOTHING and not before.erasing):
            yield f"documents or batches are lost: {entry.fields}"


def _person(before: Before, name: str, person: Person, now: _Now) -> Iterator[str]:
    if now.reason == "given":
        yield from _permitted(before, name, person)
    elif before.at_backup.get(name) == "given" and not person.asked:
        expected = "lost" if before.signed_since(name) else "given"
        if now.reason != expected:
            yield f"{now.reason}, where {expected} is promised"
    if now.seqs is not None and (person.erased or not before.in_backup(name)):
        yield "erased, or not in the backup, and known"
    lacking = {seq for seq in person.said if seq < before.backed_up} - (now.seqs or frozenset())
    if lacking and not person.asked:
        yield f"entries {sorted(lacking)} of the backup are lost"


def _permitted(before: Before, name: str, person: Person) -> Iterator[str]:
    if before.at_backup.get(name) != "given":
        yield "permitted, and was not at the backup"
    if person.denies or person.requested:
        yield "permitted, after a no or a request for erasure that was answered"
    if before.signed_since(name):
        yield "permitted, though what they said since is lost"
    if name not in before.chains:
        yield "permitted, and was erased"


def _events(
    ctx: Context, reader: Reader, before: Before, attempts: Sequence[Attempt], now: Mapping[str, _Now]
) -> Iterator[str]:
    there, people = rows_there(ctx, reader), people_of(attempts)
    secret = reader.keyring.active("event").secret
    whole = all(entry.fields["batches_lost"] == _NOTHING for entry in reader.system_entries("restore"))
    expected = 0
    for at, attempt in enumerate(attempts):
        if attempt.deed not in {"ingest", "accept"}:
            continue
        kept = whole and attempt.answer is not None and _is_kept(before, at, attempt)
        for message, name in attempt.said["events"].items():
            found = there[event_key(secret, CHANNEL, message).hex()]
            expected += found
            if found > 1 or (found and now[name].seqs is None):
                yield f"an event of {name} is there {found} times"
            if kept and not found and not people[name].asked and _must_stay(attempt, now[name]):
                yield f"an event of {name} is lost, of {attempt.deed} {attempt.answer}"
    if expected != sum(there.values()):
        yield f"there are {sum(there.values())} events, {expected} of them among those that were handed in"


def _is_kept(before: Before, at: int, attempt: Attempt) -> bool:
    """Whether a restore keeps its events: taken before the backup, or into a file that a signed entry names."""
    seq = (attempt.answer or {}).get("seq")
    return at < before.told or (seq is not None and seq < len(before.leaves))


def _must_stay(attempt: Attempt, now: _Now) -> bool:
    """Rows of nobody go, and what waits in the inbox goes where it is denied when it is compacted."""
    return now.seqs is not None and (attempt.deed == "ingest" or now.reason == "given")
