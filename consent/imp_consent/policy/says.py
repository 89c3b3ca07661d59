"""What a purpose and its notice must say before data may be used so: the words of `says` in a regime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.notice import Notice

__all__ = ["SAYS", "unsaid"]

_Check = Callable[[DeclaredPurpose, Notice | None], bool]


def _recipient(purpose: DeclaredPurpose, notice: Notice | None) -> bool:
    """Who receives the data, how to reach them and what they do with it; and the notice names them and says it."""
    who = purpose.recipient
    if who is None or not (who.contact and who.method) or notice is None:
        return False
    text = " ".join(notice.text.casefold().split())
    named = who.name in notice.recipients
    return named and all(" ".join(words.casefold().split()) in text for words in (who.name, who.contact))


def _recipient_rights(purpose: DeclaredPurpose, _: Notice | None) -> bool:
    return purpose.recipient is not None and bool(purpose.recipient.rights)


_CHECKS: Final[Mapping[str, tuple[_Check, str]]] = MappingProxyType(
    {
        "necessity": (lambda purpose, _: bool(purpose.necessity), "why the data is necessary (--necessity)"),
        "review": (lambda purpose, _: bool(purpose.review), "how a human reviews the decision (--review)"),
        "opt_out_option": (
            lambda purpose, _: bool(purpose.opt_out_option),
            "the option that is not personal, or the way to refuse (--opt-out-option)",
        ),
        "data": (lambda purpose, _: bool(purpose.data), "which categories of data are used (--data)"),
        "recipient": (
            _recipient,
            "who receives the data, how to reach them and what they do (--recipient, --contact, --method); and the "
            "notice names them with their contact",
        ),
        "recipient-rights": (_recipient_rights, "how people exercise their rights against the recipient (--rights)"),
    }
)
SAYS: Final = frozenset(_CHECKS)


def unsaid(words: tuple[str, ...], purpose: DeclaredPurpose, notice: Notice | None) -> list[str]:
    """What is demanded and not said, in words for whoever must say it."""
    return [text for check, text in (_CHECKS[word] for word in words) if not check(purpose, notice)]
