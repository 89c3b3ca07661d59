"""`imp consent unsubscribe`: the links people clicked, recorded as the withdrawals they are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import click

from imp_consent.commands.arguments import input_lines
from imp_consent.commands.rejects import rejects_file
from imp_consent.commands.under_way import under_way_text
from imp_consent.identity.keys import Keyring, keys_folder
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
from imp_core.output import check_output

__all__ = ["UnsubscribeResult", "unsubscribe", "unsubscribe_command"]

_PARAMETER: Final = "t"
_STEPS: Final = 1  # the click itself
_SHOWN: Final = 10  # faults named before the links are given up


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsubscribeResult:
    """How many links withdrew something, had done so `already`, were of `nobody` known (any more), or `rejected`.

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


class _Outcome(StrEnum):
    ALREADY = "already"
    NOBODY = "nobody"


@dataclass(slots=True)
class _Tally:
    seqs: list[int] = field(default_factory=list)
    alike: list[int] = field(default_factory=list)
    nothing: dict[_Outcome, int] = field(default_factory=lambda: dict.fromkeys(_Outcome, 0))


def unsubscribe(ctx: Context, words: Sequence[str], *, rejects: Path | None = None) -> UnsubscribeResult:
    """Record what each token, or each link that holds one, withdraws: now, all of them or none; faults name lines.

    With `rejects` what is none is left out and listed there, by row, field and problem.

    A second click right after the first appends nothing. Any later one does, however old the link is: who consented
    anew since withdraws anew, also where that yes comes to be known only later.

    Raises:
        BadInput: one of them is not a token of this ledger, or with `rejects` none is. None is repeated.
    """
    log = open_log(ctx)
    if rejects is not None:
        rejects = check_output(ctx, rejects, private=(keys_folder(ctx.environ, ctx.workspace.log_id),), force=True)
    with nullcontext(None) if rejects is None else rejects_file(rejects) as refuse:
        opened, faults = _open_all(log.keyring, words)
        if refuse is not None:
            _list_faults(refuse, faults, some=bool(opened))
        elif faults:
            raise _refusal(faults, alone=len(words) == 1)
        if not opened:
            raise BadInput("no token", mend="name one, or write one a line on standard input", where="token")
        return _record(ctx, log, opened, rejected=len(faults))


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


def _list_faults(refuse: Callable[[RowFault], None], faults: Sequence[tuple[int, BadInput]], *, some: bool) -> None:
    for number, error in faults:
        refuse(RowFault(row=number, field="token", problem=error.what))
    if faults and not some:
        raise BadInput(
            "no row is a token of this ledger: nothing was recorded", mend="see the file of rejects", where="tokens"
        )


def _record(ctx: Context, log: Log, opened: Sequence[tuple[Unsubscribe, str]], *, rejected: int) -> UnsubscribeResult:
    tally = _Tally()
    with log.write() as transaction:
        people: set[int] = set()
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
        in_flight = messages_in_flight(transaction, people)
    seqs = tally.seqs + tally.alike
    return UnsubscribeResult(
        withdrawn=len(tally.seqs),
        already=tally.nothing[_Outcome.ALREADY],
        nobody=tally.nothing[_Outcome.NOBODY],
        first_seq=min(seqs, default=None),
        last_seq=max(seqs, default=None),
        in_flight=in_flight,
        rejected=rejected,
        alike=len(tally.alike),
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


def _refusal(faults: Sequence[tuple[int, BadInput]], *, alone: bool) -> BadInput:
    if alone:
        return faults[0][1]
    named = "; ".join(f"row {number}: {error.what}" for number, error in faults[:_SHOWN])
    more = f", and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return BadInput(
        f"nothing was recorded: {named}{more}",
        mend="mend these rows, or leave faulty rows out: --rejects FILE",
        where="tokens",
    )


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
    "--rejects", type=click.Path(path_type=Path), help="Record the good rows, and write row, field and problem here."
)
@json_option
@pass_context
def unsubscribe_command(ctx: Context, *, word: str, rejects: Path | None, as_json: bool) -> None:
    """Record the withdrawal that a clicked unsubscribe link stands for; with - read tokens or links, one a line.

    Example: imp consent unsubscribe - < clicked.txt
    """
    if word != "-" and _is_file(ctx.directory / word):
        mend = "read the tokens in it: imp consent unsubscribe - < FILE"
        raise BadInput("this is a file, and no token", where="token", mend=mend)
    words = input_lines("token", lenient=rejects is not None) if word == "-" else [word]
    done = unsubscribe(ctx, words, rejects=rejects)
    emit(done, lambda: _text(done), as_json=as_json)


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
    return "\n".join(words) + under_way_text(done.in_flight)
