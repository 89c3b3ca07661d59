"""What an entry of a person says, as one sentence to them, in their language."""

from __future__ import annotations

from collections.abc import Sequence

from imp_consent.ledger.entry import EVERY_PURPOSE
from imp_consent.rights.wording import Wording

__all__ = ["sentence"]


def sentence(
    words: Wording,
    *,
    type_: str,
    purpose: str,
    channel: str | None,
    until: str | None,
    closes: Sequence[str] | None,
    description: str | None,
) -> str:
    """One sentence; `type_` is the entry's, or one of those that tell it more closely.

    `closes` are the traits of a no that closes kinds of use, `description` the purpose's own words.
    """
    named = words.say("about", "everything") if purpose == EVERY_PURPOSE else purpose
    key = type_ if type_ in words.tables["said"] else "other"
    said = words.say("said", key, purpose=named, about=_about(words, type_, purpose, named, closes))
    if channel:
        said = words.say("said", "on", said=said, channel=channel)
    if until is not None:
        said = words.say("said", "until", said=said, until=until)
    if description:
        return words.say("said", "described", said=said, description=description)
    return words.say("said", "whole", said=said)


def _about(words: Wording, type_: str, purpose: str, named: str, closes: Sequence[str] | None) -> str:
    if closes:
        kinds = words.several(words.maybe("about", trait, trait) for trait in closes)
        return kinds if purpose == EVERY_PURPOSE else words.say("about", "within", about=kinds, purpose=purpose)
    return words.say("about", "interests", about=named) if type_ == "object" else named
