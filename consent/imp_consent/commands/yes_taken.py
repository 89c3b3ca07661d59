"""What an answer says of a yes that was taken, and may not be what the law means by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.notice import Notice
from imp_consent.policy.rules import Rules
from imp_consent.policy.saying import Saying
from imp_consent.policy.says import unnamed_recipients

__all__ = ["KNOWN_ACTS", "recipient_warnings", "unknown_act", "warnings_of_yes", "warnings_text"]

KNOWN_ACTS: Final = (
    "known are words such as click, tap, ticked a box, signature, signed form, spoken yes, reply, toggle, button, "
    "点击, 勾选, 签名"
)
_ACT: Final = (
    "the word for the act is none that is known: consent is an act of the person's own (GDPR 4(11), rec. 32; PIPL 14); "
    + KNOWN_ACTS
)


def unknown_act(said: Saying, rules: Rules) -> bool:
    """Whether a yes says by what act it was given, in a word that no law here knows."""
    return said.type == "grant" and said.action is not None and not rules.acts.is_known(said.action)


def warnings_of_yes(
    said: Saying, rules: Rules, notice: Notice, purposes: Mapping[str, DeclaredPurpose]
) -> tuple[str, ...]:
    """What whoever recorded a yes is told of it."""
    act = (_ACT,) if unknown_act(said, rules) else ()
    return act + recipient_warnings(notice, (said.purpose,), purposes)


def recipient_warnings(
    notice: Notice, asked: Iterable[str], purposes: Mapping[str, DeclaredPurpose]
) -> tuple[str, ...]:
    """What is said of a notice that leaves out a recipient whom a purpose it asks for declares."""
    return tuple(
        f"the purpose {name} declares a recipient whom the notice {notice.name} does not name, and people are told who "
        "receives their data (GDPR 13(1)(e); EDPB 05/2020 §65): name them in its text, and add it with --recipient"
        for name in unnamed_recipients(notice, asked, purposes)
    )


def warnings_text(warnings: Iterable[str]) -> str:
    """Lines to append; empty where there is none."""
    return "".join(f"\nwarning: {warning}" for warning in warnings)
