"""Notices: the exact text people were shown, with what the law asks it to say; stored and named by hash.

A notice's canonical bytes are JSON with sorted keys: controller, data, language, name, purposes, recipients, text,
version and withdrawal, and grant_steps and withdraw_steps where they are counted. Their SHA-256 is what a grant's
statement commits to, so that an auditor can reproduce what a person read (GDPR 7(1)).

A version may stand in several languages. A new version is *material* for the purposes whose meaning it changes: its
entry names them, and consent given before no longer covers them (`policy/cuts.py`); or it is editorial.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.purpose import DEFAULT_PURPOSES
from imp_consent.policy.withdrawing import denies, find_withdrawal
from imp_core.errors import BadInput, LedgerBroken
from imp_core.ports import Json

__all__ = [
    "DATA_CATEGORIES",
    "Notice",
    "RegisteredNotice",
    "check_notice",
    "default_notice",
    "find_withdrawal",
    "format_notice",
    "parse_notice",
    "read_notices",
    "register_notice",
]

# What IMP itself keeps of a person; a notice may say more.
DATA_CATEGORIES: Final = ("identifier", "touchpoint", "exposure", "outcome", "trait")

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_MAX_TEXT: Final = 200_000
_SHORT: Final = 500
_MAX_STEPS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What people were shown: `withdrawal` is the passage of `text` that says how to withdraw.

    `grant_steps` and `withdraw_steps` are how many steps it takes to agree and to take it back; None: not counted.
    """

    name: str
    version: int
    language: str
    controller: str
    purposes: tuple[str, ...]
    withdrawal: str
    text: str
    data: tuple[str, ...] = DATA_CATEGORIES
    recipients: tuple[str, ...] = ()
    grant_steps: int | None = None
    withdraw_steps: int | None = None

    @property
    def sha256(self) -> str:
        """The hash of the canonical bytes, by which grants name the notice."""
        return hashlib.sha256(format_notice(self)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredNotice:
    """A notice as the ledger has it: the entry that registered it, when (UTC µs), its hash, and what it changes.

    `material` are the purposes for which it ended the consent given before; None for a first version or a translation.
    """

    seq: int
    sha256: str
    notice: Notice
    at_us: int = 0
    material: tuple[str, ...] | None = None

    def speaks(self, language: str | None) -> bool:
        """Whether it is in a language (None: in any)."""
        return language is None or self.notice.language.casefold() == language.casefold()


def check_notice(notice: Notice) -> Notice:
    """The notice itself, if it says what consent needs (GDPR 13, rec. 42; EDPB 05/2020 §64).

    Raises:
        BadInput: controller, purposes, data or right to withdraw are missing, or the text does not say them.
    """
    where = f"notice {notice.name[:64]!r}"
    problem = next((text for wrong, text in _problems(notice) if wrong), None)
    if problem is not None:
        what, _, mend = problem.partition("; ")
        raise BadInput(what, where=where, mend=mend or None)
    return notice


def format_notice(notice: Notice) -> bytes:
    """The canonical bytes of a notice."""
    said = {key: value for key, value in asdict(notice).items() if value is not None}
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parse_notice(data: bytes) -> Notice:
    """Read `format_notice`.

    Raises:
        LedgerBroken: it is not a notice in canonical form.
    """
    try:
        document: dict[str, Any] = json.loads(data.decode())
        lists = {name: tuple(document[name]) for name in ("purposes", "data", "recipients")}
        notice = Notice(**{**document, **lists})
        canonical = _is_typed(notice) and format_notice(notice) == data
    except (ValueError, TypeError, KeyError, RecursionError):
        canonical = False
    if not canonical:
        raise LedgerBroken("not a notice in canonical form", where="notice", mend="run: imp audit verify")
    return notice


def default_notice(controller: str) -> Notice:
    """The notice every workspace starts with, in the controller's name."""
    template = Path(__file__).with_name("notice.en.txt").read_text(encoding="utf-8")
    text = template.replace("{controller}", controller)
    return Notice(
        name="default",
        version=1,
        language="en",
        controller=controller,
        purposes=tuple(purpose.name for purpose in DEFAULT_PURPOSES),
        withdrawal=find_withdrawal(text, "en"),
        text=text,
    )


def register_notice(
    transaction: Transaction, notice: Notice, *, material: Iterable[str] | None = None
) -> RegisteredNotice:
    """Store a notice and name it in a `notice` entry; consent given from now on may refer to it.

    `material` are the purposes for which consent given before does not cover what this version says.

    Raises:
        BadInput: the notice does not say what consent needs.
    """
    body = format_notice(check_notice(notice))
    sha256 = hashlib.sha256(body).hexdigest()
    fields: dict[str, Json] = {
        "name": notice.name,
        "version": notice.version,
        "language": notice.language,
        "sha256": sha256,
    }
    changed = None if material is None else tuple(sorted(material))
    if changed is not None:
        fields["material"] = list(changed)
    seq = transaction.append_system("notice", fields, notices=(body,))
    return RegisteredNotice(seq=seq, sha256=sha256, notice=notice, at_us=transaction.now_us, material=changed)


def read_notices(reader: Reader) -> list[RegisteredNotice]:
    """Every registered notice, oldest first.

    Raises:
        LedgerBroken: a notice is missing, changed or malformed.
    """
    found = []
    for entry in reader.system_entries("notice"):
        sha256, material = str(entry.fields.get("sha256")), entry.fields.get("material")
        found.append(
            RegisteredNotice(
                seq=entry.seq,
                sha256=sha256,
                notice=parse_notice(reader.notice(sha256)),
                at_us=entry.at_us,
                material=tuple(map(str, material)) if isinstance(material, list) else None,
            )
        )
    return found


def _is_typed(notice: Notice) -> bool:
    """Whether it holds texts and numbers where these are meant: others' files hold whatever they hold."""
    texts = [notice.name, notice.language, notice.controller, notice.withdrawal, notice.text]
    numbers = [found for found in (notice.version, notice.grant_steps, notice.withdraw_steps) if found is not None]
    listed = [*notice.purposes, *notice.data, *notice.recipients]
    return all(isinstance(text, str) for text in (*texts, *listed)) and all(type(number) is int for number in numbers)


def _problems(notice: Notice) -> list[tuple[bool, str]]:
    says = _flat(notice.text)
    return [
        (not _NAME.fullmatch(notice.name), "not a name of a notice; lower-case letters, digits, dots and dashes"),
        (notice.version < 1, "a notice's version starts at 1"),
        (not _LANGUAGE.fullmatch(notice.language), "not a language; a tag such as en or zh-Hans"),
        (not says, "a notice without text; write into the file what people are shown"),
        (len(notice.text) > _MAX_TEXT, "a notice with more than 200,000 characters; write what people read, and less"),
        (not _flat(notice.controller), "the controller is empty; say who decides on the data"),
        (_flat(notice.controller) not in says, "the text does not name the controller; write its name into the text"),
        (not notice.purposes, "no purposes; name what consent is asked for with --purpose"),
        (not notice.data or not _words(notice.data), "no kinds of data, or an empty one; name them with --data"),
        (not _words(notice.recipients), "an empty or unreadable recipient; name each with --recipient"),
        (
            not _flat(notice.withdrawal) or _flat(notice.withdrawal) not in says,
            "the text does not say how to withdraw; say it, or give the passage that does with --withdrawal",
        ),
        (
            denies(notice.withdrawal, notice.language),
            "the passage on withdrawing says that nobody can (GDPR 7(3)); say how people withdraw, or give the passage "
            "that does with --withdrawal",
        ),
        (len(notice.withdrawal) > _SHORT, "the passage on withdrawing is longer than 500 characters"),
        (not _steps(notice), "not numbers of steps; from 1 to 100, and both or none"),
        (
            _is_harder(notice.grant_steps, notice.withdraw_steps),
            "it takes more steps to withdraw than to agree (GDPR 7(3)); make withdrawing as easy",
        ),
    ]


def _steps(notice: Notice) -> bool:
    counted = (notice.grant_steps, notice.withdraw_steps)
    return counted == (None, None) or all(type(steps) is int and 1 <= steps <= _MAX_STEPS for steps in counted)


def _is_harder(agree: int | None, withdraw: int | None) -> bool:
    return agree is not None and withdraw is not None and withdraw > agree


def _words(texts: tuple[str, ...]) -> bool:
    return all(text.strip() and text.isprintable() and len(text) <= _SHORT for text in texts)


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())
