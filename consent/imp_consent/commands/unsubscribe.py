"""`imp consent unsubscribe`: the links people clicked, recorded as the withdrawals they are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import click

from imp_consent.commands.arguments import input_lines
from imp_consent.commands.aside import Fault
from imp_consent.commands.imported import check_rejects
from imp_consent.commands.left_out import end_with, list_left_out, none_readable, row_faults
from imp_consent.commands.tasks_opened import count_tasks, tasks_text
from imp_consent.commands.under_way import under_way_text
from imp_consent.identity.keys import Keyring
from imp_consent.identity.unsubscribe import Unsubscribe, open_token
from imp_consent.ledger.alike import subjects_alike_to
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.in_flight import messages_in_flight
from imp_consent.ledger.log import Log
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.door import Door
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import is_withdrawn
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.counting import span
from imp_core.errors import BadInput
from imp_core.event import RowFault

__all__ = ["UnsubscribeResult", "unsubscribe", "unsubscribe_command"]

_PARAMETER: Final = "t"
_STEPS: Final = 1  # the click itself
_COUNTED: Final = "line"
_WHERE: Final = "standard input"
_MEND: Final = "mend these lines, and give them by themselves: a link that is recorded twice withdraws once more"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsubscribeResult:
    """How many links withdrew something, had done so `already`, were of `nobody` known (any more), or `rejected`.

    Of these `rejects` names the lines, which are left out. `erasures` were opened without being asked for.
    `first_seq` and `last_seq` are the entries that were appended; None: nothing was. `in_flight` is how many messages
    to these people were under way then, `alike` how many others withdrew with them: those who are known under another
    spelling of the same address.
    """

    withdrawn: int
    already: int
    nobody: int
    first_seq: int | None
    last_seq: int | None
    in_flight: int = 0
    rejected: int = 0
    alike: int = 0
    rejects: tuple[RowFault, ...] = ()
    erasures: int = 0


class _Outcome(StrEnum):
    ALREADY = "already"
    NOBODY = "nobody"


@dataclass(slots=True)
class _Tally:
    seqs: list[int] = field(default_factory=list)
    alike: list[int] = field(default_factory=list)
    nothing: dict[_Outcome, int] = field(default_factory=lambda: dict.fromkeys(_Outcome, 0))


def unsubscribe(ctx: Context, words: Sequence[str], *, rejects: Path | None = None) -> UnsubscribeResult:
    """Record what each token, or each link that holds one, withdraws: now, whatever is wrong with other lines.

    The answer names the lines that are none; `rejects` is a file to list them in too.

    A second click right after the first appends nothing. Any later one does, however old the link is: who consented
    anew since withdraws anew, also where that yes comes to be known only later.

    Raises:
        BadInput: not one of them is a token of this ledger. None is repeated.
    """
    log = open_log(ctx)
    rejects = check_rejects(ctx, rejects, ())
    opened, faults = _open_all(log.keyring, words)
    found = [_fault(number, error) for number, error in faults]
    list_left_out(rejects, found, counted=_COUNTED)
    if not opened:
        if rejects is None and len(words) == len(faults) == 1:
            raise faults[0][1]
        if faults:
            raise none_readable(
                found, counted=_COUNTED, where="tokens", mend="see which lines hold links, and mend them"
            )
        raise BadInput("no token", mend="name one, or write one a line on standard input", where="token")
    return _record(ctx, log, opened, rejects=row_faults(found))


def _fault(line: int, error: BadInput) -> Fault:
    return Fault(number=line, place=line, mark=line, field="token", problem=error.what)


def _open_all(
    keyring: Keyring, words: Sequence[str]
) -> tuple[list[tuple[Unsubscribe, str]], list[tuple[int, BadInput]]]:
    """What the tokens say, each with its token, and what is wrong with the others, by line."""
    opened: list[tuple[Unsubscribe, str]] = []
    faults: list[tuple[int, BadInput]] = []
    for number, word in enumerate(words, 1):
        if not word.strip():
            continue
        try:
            token = _token(word.strip())
            opened.append((open_token(keyring, token), token))
        except BadInput as error:
            faults.append((number, error))
    return opened, faults


def _record(
    ctx: Context, log: Log, opened: Sequence[tuple[Unsubscribe, str]], *, rejects: tuple[RowFault, ...]
) -> UnsubscribeResult:
    tally = _Tally()
    with log.write() as transaction:
        people, begun = set[int](), transaction.size
        door = Door(ctx, transaction, surface="unsubscribe link")
        for link, token in opened:
            outcome = _withdraw(door, transaction, link, token)
            if isinstance(outcome, _Outcome):
                tally.nothing[outcome] += 1
            else:
                tally.seqs.append(outcome)
            alike = subjects_alike_to(transaction, link.subject)
            people.update((link.subject, *alike))
            others = (_withdraw(door, transaction, replace(link, subject=other), token) for other in alike)
            tally.alike += [seq for seq in others if not isinstance(seq, _Outcome)]
        in_flight, erasures = messages_in_flight(transaction, people), count_tasks(transaction, since=begun)
    seqs = tally.seqs + tally.alike
    return UnsubscribeResult(
        withdrawn=len(tally.seqs),
        already=tally.nothing[_Outcome.ALREADY],
        nobody=tally.nothing[_Outcome.NOBODY],
        first_seq=min(seqs, default=None),
        last_seq=max(seqs, default=None),
        in_flight=in_flight,
        rejected=len(rejects),
        alike=len(tally.alike),
        rejects=rejects,
        erasures=erasures,
    )


def _token(word: str) -> str:
    """The token itself, or the one in a link's query, as pasted from a browser or a server's log."""
    if "?" not in word:
        return word
    try:
        found = parse_qs(urlsplit(word).query).get(_PARAMETER, [])
    except ValueError:
        found = []
    if len(found) != 1:
        raise BadInput(
            f"a link without one token in it: …?{_PARAMETER}=TOKEN", mend="copy the whole link", where="token"
        )
    return found[0]


def _withdraw(door: Door, transaction: Transaction, link: Unsubscribe, token: str) -> int | _Outcome:
    if not _lives(transaction, link.subject):
        return _Outcome.NOBODY
    said = Saying(
        type="withdraw",
        purpose=link.purpose,
        channel=link.channel,
        at_us=transaction.now_us,
        action="click",
        # the token itself would be a way in for whoever may read the ledger
        evidence=f"sha256:{hashlib.sha256(token.encode()).hexdigest()}",
        steps=_STEPS,
    )
    new = Statement(type=said.type, purpose=said.purpose, channel=said.channel, at_us=said.at_us)
    if is_withdrawn((entry.statement for entry in transaction.history(link.subject)), new):
        return _Outcome.ALREADY
    return door.take_back(link.subject, said).seq


def _lives(transaction: Transaction, subject: int) -> bool:
    """Whether somebody has this number who neither was erased nor is about to be."""
    rows = transaction.sealed.select
    known = any(True for _ in rows("subject_key", "subject = ?", (subject,)))
    return known and not any(True for _ in rows("erasure", "subject = ?", (subject,)))


@click.command("unsubscribe")
@click.argument("word", default="-", metavar="[TOKEN|-]")
@click.option(
    "--rejects",
    type=click.Path(path_type=Path),
    help="List the lines that are no links here too: line, field, problem.",
)
@json_option
@pass_context
def unsubscribe_command(ctx: Context, *, word: str, rejects: Path | None, as_json: bool) -> None:
    """Record the withdrawal that a clicked unsubscribe link stands for; with - read tokens or links, one a line.

    A withdrawal does not wait for somebody else's bad line: what can be read is recorded, the other lines are named,
    and the exit code is 1.

    Example: imp consent unsubscribe - < clicked.txt
    """
    if word != "-" and _is_file(ctx.directory / word):
        mend = "read the tokens in it: imp consent unsubscribe - < FILE"
        raise BadInput("this is a file, and no token", where="token", mend=mend)
    words = input_lines("token", lenient=True) if word == "-" else [word]
    done = unsubscribe(ctx, words, rejects=rejects)
    emit(done, lambda: _text(done), as_json=as_json)
    if done.rejected:
        end_with(done.rejects, counted=_COUNTED, where=_WHERE, mend=_MEND)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long for a name, or no text: a token may be
        return False


def _text(done: UnsubscribeResult) -> str:
    words = []
    if done.withdrawn:
        words.append(f"{span(done.first_seq or 0, done.last_seq or 0)}: {done.withdrawn} withdrawn")
    if done.alike:
        words.append(f"{done.alike} more, known under another spelling of the same address")
    if done.already:
        words.append(f"{done.already} withdrawn before: nothing to do")
    if done.nobody:
        words.append(f"{done.nobody} of nobody known: nothing to do")
    if done.rejected:
        words.append(f"{done.rejected} rejected")
    return "\n".join(words) + tasks_text(done.erasures) + under_way_text(done.in_flight)
