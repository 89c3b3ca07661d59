"""What a purpose and its notice must say before data may be used so: the words of `says` in a regime."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from imp_consent.policy.declared import DeclaredPurpose, Recipient
from imp_consent.policy.notice import Notice

__all__ = ["SAYS", "Unsaid", "unnamed_recipients", "unsaid"]

_PURPOSE: Final = "purpose"
_NOTICE: Final = "notice"


class Unsaid(NamedTuple):
    """What is demanded and not said: by whom ("purpose" or "notice"), in words for whoever must say it, and how."""

    by: str
    words: str
    mend: str


def unsaid(words: tuple[str, ...], purpose: DeclaredPurpose, notice: Notice | None) -> list[Unsaid]:
    """What is demanded and not said; nothing where all of it is."""
    return [found for found in (_CHECKS[word](purpose, notice) for word in words) if found is not None]


def unnamed_recipients(notice: Notice, asked: Iterable[str], purposes: Mapping[str, DeclaredPurpose]) -> list[str]:
    """Of the purposes asked for, those that declare a recipient whose name the notice's text does not say."""
    text = _flat(notice.text)
    declared = ((name, purposes[name].recipient) for name in asked if name in purposes)
    return [name for name, who in declared if who is not None and _flat(who.name) not in text]


_Check = Callable[[DeclaredPurpose, Notice | None], Unsaid | None]


def _declares(field: str, words: str, option: str) -> _Check:
    def check(purpose: DeclaredPurpose, _: Notice | None) -> Unsaid | None:
        return None if getattr(purpose, field) else _by_purpose(purpose, words, option)

    return check


def _by_purpose(purpose: DeclaredPurpose, words: str, options: str) -> Unsaid:
    return Unsaid(_PURPOSE, words, f"declare it: imp consent purpose change {purpose.name} {options}")


def _recipient(purpose: DeclaredPurpose, notice: Notice | None) -> Unsaid | None:
    """Who receives the data, how to reach them and what they do with it; and the notice names them and says it."""
    who = purpose.recipient
    lacks = {"recipient": who, "contact": who and who.contact, "method": who and who.method}
    options = [f'--{name} "…"' for name, said in lacks.items() if not said]
    if who is None or options:
        return _by_purpose(
            purpose, "who receives the data, how to reach them and what they do with it", " ".join(options)
        )
    return _in_notice(who, purpose, notice)


def _in_notice(who: Recipient, purpose: DeclaredPurpose, notice: Notice | None) -> Unsaid | None:
    text, named = (_flat(notice.text), notice.recipients) if notice else ("", ())
    told = {"the recipient's name": who.name, "the recipient's contact": who.contact}
    missing = [word for word, said in told.items() if _flat(said) not in text]
    again = f"imp consent notice add FILE --name {notice.name if notice else 'NAME'} --purpose {purpose.name}"
    new = f'add a version that does: {again} --recipient "…"'
    if missing:
        return Unsaid(_NOTICE, f"{' and '.join(missing)} in its text, as the purpose declares them", new)
    if who.name not in named:
        return Unsaid(_NOTICE, "the recipient that the purpose declares as one of its own (--recipient)", new)
    return None


def _recipient_rights(purpose: DeclaredPurpose, _: Notice | None) -> Unsaid | None:
    if purpose.recipient is not None and purpose.recipient.rights:
        return None
    return _by_purpose(purpose, "how people exercise their rights against the recipient", '--rights "…"')


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())


_CHECKS: Final[Mapping[str, _Check]] = MappingProxyType(
    {
        "necessity": _declares("necessity", "why the data is necessary", '--necessity "…"'),
        "review": _declares("review", "how a human reviews the decision", '--review "…"'),
        "opt_out_option": _declares(
            "opt_out_option", "the option that is not personal, or the way to refuse", '--opt-out-option "…"'
        ),
        "data": _declares("data", "which categories of data are used", '--data "…"'),
        "recipient": _recipient,
        "recipient-rights": _recipient_rights,
    }
)
SAYS: Final = frozenset(_CHECKS)
