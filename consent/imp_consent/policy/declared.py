"""What a purpose declares: besides its name and description whatever the law asks of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import Final

from imp_consent.policy.misnamed import unknown_traits
from imp_core.errors import BadInput
from imp_core.gate import Purpose

__all__ = ["DIRECT_MARKETING", "NO_TRAIT", "TRAITS", "DeclaredPurpose", "Recipient", "check_purpose", "declared"]

# Said of a purpose of which none of the others is true; one that says nothing is of a kind nobody knows.
NO_TRAIT: Final = "none"
DIRECT_MARKETING: Final = "direct-marketing"
# By what the law tells uses apart. A regime's file says what follows from each.
TRAITS: Final = frozenset(
    {
        NO_TRAIT,
        "essential",  # needed for what the person asked for
        DIRECT_MARKETING,  # GDPR 21(2)
        "profiling",  # GDPR 4(4)
        "sale",  # CCPA §1798.140(ad)
        "sharing",  # CCPA §1798.140(ah)
        "targeted-advertising",
        "special-category",  # GDPR 9
        "sensitive",  # PIPL 28; CCPA §1798.140(ae)
        "terminal",  # ePrivacy 5(3): stored on a device, or read from it
        "electronic-mail",  # ePrivacy 13: also text messages, fax and automated calls
        "tracking-individual",  # whether this person opened or clicked
        "transfer-handler",  # PIPL 23
        "transfer-abroad",  # PIPL 38, GDPR 44
        "automated-decision",  # GDPR 22, PIPL 24
        "public-data",  # PIPL 27
        "financial-incentive",  # CCPA §1798.125(b)
    }
)

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)*")
_MAX_NAME: Final = 64
_MAX_TEXT: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who receives the data, how to reach them, what they do with it, and how people exercise their rights there."""

    name: str
    contact: str = ""
    method: str = ""
    rights: str = ""

    def plain(self) -> dict[str, str]:
        """What is said of them."""
        said = {item.name: str(getattr(self, item.name)) for item in fields(self)}
        return {key: value for key, value in said.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPurpose(Purpose):
    """A purpose with what law asks of it.

    `traits` tell what kind of use it is, `data` the categories of data, `recipient` to whom data goes, `necessity` why
    sensitive data is needed, `opt_out_option` how people have the same without profiling, `review` how a human looks at
    an automated decision. What is None or empty is not said.
    """

    traits: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    recipient: Recipient | None = None
    necessity: str | None = None
    opt_out_option: str | None = None
    review: str | None = None

    @property
    def terms(self) -> dict[str, object]:
        """What it declares besides name, description and version; what is not said is left out."""
        said: dict[str, object] = {
            "traits": list(self.traits),
            "data": list(self.data),
            "recipient": self.recipient.plain() if self.recipient else None,
            "necessity": self.necessity,
            "opt_out_option": self.opt_out_option,
            "review": self.review,
        }
        return {key: value for key, value in said.items() if value}


def declared(purpose: Purpose) -> DeclaredPurpose:
    """A purpose as one that declares; what it does not say is not said."""
    if isinstance(purpose, DeclaredPurpose):
        return purpose
    return DeclaredPurpose(name=purpose.name, description=purpose.description, version=purpose.version)


def check_purpose(purpose: DeclaredPurpose) -> DeclaredPurpose:
    """The purpose itself with its traits sorted, if its name is dotted words and each thing it says is one line.

    Raises:
        BadInput: it is not so.
    """
    if not _NAME.fullmatch(purpose.name) or len(purpose.name) > _MAX_NAME:
        raise BadInput(
            "not a name of a purpose",
            where="name",
            mend="lower-case words joined by dots, like marketing.email; at most 64 characters",
        )
    where = f"purpose {purpose.name}"
    if not _is_line(purpose.description):
        raise BadInput(
            "a purpose needs a description that people understand",
            where=where,
            mend="one line of at most 500 characters that says what is done",
        )
    if type(purpose.version) is not int or purpose.version < 1:
        raise BadInput("a purpose's version is a whole number from 1", where=where, mend="version = 1")
    if set(purpose.traits) - TRAITS:
        raise unknown_traits(purpose.traits, TRAITS, where=where)
    if NO_TRAIT in purpose.traits and len(set(purpose.traits)) > 1:
        raise BadInput(f"the trait {NO_TRAIT} beside others", where=where, mend="leave one or the other out")
    said = (*purpose.data, purpose.necessity, purpose.opt_out_option, purpose.review)
    said += tuple(purpose.recipient.plain().values()) if purpose.recipient else ()
    if not all(text is None or _is_line(text) for text in said) or (purpose.recipient and not purpose.recipient.name):
        mend = "say each in one line of at most 500 characters, or leave it out"
        raise BadInput("what a purpose declares is empty or no line of text", where=where, mend=mend)
    ordered = tuple(sorted(set(purpose.traits)))
    return purpose if ordered == purpose.traits else replace(purpose, traits=ordered)


def _is_line(text: object) -> bool:
    return isinstance(text, str) and bool(text.strip()) and len(text) <= _MAX_TEXT and text.isprintable()
