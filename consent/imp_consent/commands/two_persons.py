"""Two persons for what cannot be undone: one asks, another approves, then it is done, once.

`imp.toml` turns it on: `[policy] two_persons = true` for every change of keys that somebody asks for, and for erasing
more than 10 people at a time; `two_persons_above` says another number, and alone it is for erasing. A person's own
erasure waits for nobody, and so neither does the change of the key-encryption key that ends it: without it the person
stays readable in backups, and with it nobody else loses anything. Who is one person and who another is what `--actor`
or the login says; the log keeps all of it as entries `approval`: asked, given, used. The first two name the SHA-256 of
what is to be done, with a random nonce before it, so that of whom to erase nothing can be tried out against the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.second_person import read_two_persons
from imp_consent.runtime import open_log
from imp_core.actor import same_actor
from imp_core.clock import DAY_US
from imp_core.context import Context
from imp_core.counting import some
from imp_core.errors import BadInput, CheckFailed
from imp_core.ports import Json, SystemEntry

__all__ = ["VALID_US", "Asked", "approve", "find_asked", "find_waiting", "guard_erasure", "guard_keys", "is_of"]

VALID_US: Final = 7 * DAY_US  # an approval that nobody used by then has to be asked for anew
_TYPE: Final = "approval"
_NONCE: Final = 16
_LISTED: Final = " (with --of FILE only if it is of exactly the people listed there)"
_ASKED, _GIVEN, _USED = "asked", "given", "used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants to do: the entry that asks, who and when, in words; and who approved it (None: nobody yet).

    `people` is how many an erasure concerns, None for keys. Nobody can approve or use it from `until_us` on.
    """

    seq: int
    at_us: int
    until_us: int
    actor: str
    deed: str
    people: int | None
    sha256: str
    nonce: str
    approved_by: str | None = None


def guard_keys(ctx: Context, action: str, what: str) -> None:
    """Let a change of keys pass, if the workspace lets one person do it or another person approved it.

    Raises:
        CheckFailed: it was asked for, now or before, and another person has to approve it.
        BadInput: `imp.toml` does not say it as it must.
    """
    if read_two_persons(ctx.workspace.config).keys:
        _guard(ctx, f"keys {action} {what}", ["keys", action, what], people=None)


def guard_erasure(ctx: Context, subjects: Sequence[int], guardians: Collection[bytes] = ()) -> None:
    """Let an erasure pass, if it is of no more people than one person may erase, or another person approved it.

    `guardians` are the loose tokens of those who stand in others' entries and are nobody else here: people as well.

    Raises:
        As `guard_keys`.
    """
    n = len(subjects) + len(guardians)
    if n <= 1:
        return  # a person's own erasure waits for nobody, and for no setting that has to be mended first
    above = read_two_persons(ctx.workspace.config).above
    if above is not None and n > above:
        _guard(ctx, f"erase {some(n, 'person', 'people')}", _erasure_of(subjects, guardians), people=n)


def find_asked(reader: Reader, *, now_us: int) -> list[Asked]:
    """What was asked for and not done yet, nor too long ago; oldest first."""
    found: dict[int, Asked] = {}
    for entry in reader.system_entries(_TYPE):
        step, of = entry.fields.get("step"), entry.fields.get("request")
        if step == _ASKED:
            found[entry.seq] = _asked(entry)
        elif step == _GIVEN and isinstance(of, int) and of in found:
            found[of] = _approved(found[of], entry)
        elif step == _USED and isinstance(of, int):
            found.pop(of, None)
    return [asked for asked in found.values() if now_us < asked.until_us]


def is_of(asked: Asked, subjects: Collection[int], guardians: Collection[bytes] = ()) -> bool:
    """Whether it asks for the erasure of exactly these, as `guard_erasure` would be handed them."""
    return asked.sha256 == _digest(_erasure_of(subjects, guardians), asked.nonce)


def find_waiting(reader: Reader, seq: int, *, now_us: int) -> Asked:
    """What an entry asks for.

    Raises:
        BadInput: no such request waits.
    """
    for asked in find_asked(reader, now_us=now_us):
        if asked.seq == seq:
            return asked
    raise BadInput("nothing waits for approval by this number", where="SEQ", mend="see what does: imp approve")


def approve(ctx: Context, seq: int) -> Asked:
    """Approve what an entry asks for, as somebody else than who asked; names the same SHA-256.

    Raises:
        BadInput: no such request waits.
        CheckFailed: it is the same person, or somebody approved it before.
    """
    log = open_log(ctx)
    with log.write() as transaction:
        asked = find_waiting(transaction, seq, now_us=transaction.now_us)
        if asked.approved_by is not None:
            raise CheckFailed(
                "this is approved already",
                where=f"entry {seq}",
                mend="it can be done now: nobody has to approve it again",
            )
        if same_actor(asked.actor, ctx.actor):
            raise CheckFailed(
                "who asks cannot approve, by whatever name that looks like theirs",
                where=f"entry {seq}",
                mend="another person runs it, under another --actor",
            )
        transaction.append_system(_TYPE, {"step": _GIVEN, "request": seq, "sha256": asked.sha256})
    return replace(asked, approved_by=ctx.actor)


def _guard(ctx: Context, deed: str, what: Sequence[str], *, people: int | None) -> None:
    """Use an approval of exactly this, or ask for one."""
    log = open_log(ctx)
    with log.write() as transaction:
        mine = [
            asked
            for asked in find_asked(transaction, now_us=transaction.now_us)
            if asked.sha256 == _digest(what, asked.nonce)
        ]
        approved = next((asked for asked in mine if asked.approved_by is not None), None)
        if approved is not None:
            transaction.append_system(_TYPE, {"step": _USED, "request": approved.seq, "deed": deed})
            return
        seq = mine[0].seq if mine else _ask(ctx, transaction, deed, what, people)
    listed = "" if people is None else _LISTED
    raise CheckFailed(
        "two persons are needed for this, and one has asked",
        where=f"entry {seq}: {deed}",
        mend=f"another person approves it with: imp approve {seq}{listed}; then run this again",
    )


def _ask(ctx: Context, transaction: Transaction, deed: str, what: Sequence[str], people: int | None) -> int:
    nonce = ctx.randomness.token(_NONCE).hex()
    fields: dict[str, Json] = {"step": _ASKED, "deed": deed, "nonce": nonce, "sha256": _digest(what, nonce)}
    return transaction.append_system(_TYPE, fields if people is None else {**fields, "people": people})


def _erasure_of(subjects: Collection[int], guardians: Collection[bytes]) -> list[str]:
    return ["erase", *map(str, sorted(subjects)), *sorted(token.hex() for token in guardians)]


def _digest(what: Sequence[str], nonce: str) -> str:
    return hashlib.sha256("\n".join([nonce, *what]).encode()).hexdigest()


def _asked(entry: SystemEntry) -> Asked:
    people = entry.fields.get("people")
    return Asked(
        seq=entry.seq,
        at_us=entry.at_us,
        until_us=entry.at_us + VALID_US,
        actor=entry.actor,
        deed=str(entry.fields.get("deed")),
        people=people if isinstance(people, int) else None,
        sha256=str(entry.fields.get("sha256")),
        nonce=str(entry.fields.get("nonce")),
    )


def _approved(asked: Asked, entry: SystemEntry) -> Asked:
    """An approval counts if it is another person's and of the same thing."""
    same = entry.fields.get("sha256") == asked.sha256 and not same_actor(entry.actor, asked.actor)
    return replace(asked, approved_by=entry.actor) if same else asked
