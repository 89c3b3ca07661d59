"""What a notice that is added comes to: a first version, a translation or a new version, and whose consent it ends."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imp_consent.policy.misnamed import unknown_purpose
from imp_consent.policy.notice import DATA_CATEGORIES, Notice, RegisteredNotice, find_withdrawal
from imp_consent.policy.shown import texts_standing
from imp_core.errors import BadInput
from imp_core.gate import Purpose

__all__ = ["Said", "behind_warnings", "ended_by", "next_version"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody who adds a notice says of its text; what is left out is looked for in the text and before it."""

    text: str
    name: str
    language: str = "en"
    purposes: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    withdrawal: str | None = None
    grant_steps: int | None = None
    withdraw_steps: int | None = None
    material: tuple[str, ...] = ()
    editorial: bool = False


def next_version(
    said: Said, registered: Sequence[RegisteredNotice], known: Mapping[str, Purpose], controller: str
) -> tuple[Notice, Notice | None]:
    """The notice, and the version before it; None where it is the first or a translation.

    Raises:
        BadInput: a purpose is unknown.
    """
    earlier = [found.notice for found in registered]
    translated = _translated(earlier, said.language)
    asked = translated.purposes if translated else _described(known, said.text) or _last_asked(earlier)
    new = Notice(
        name=said.name,
        version=translated.version if translated else 1 + max((n.version for n in earlier), default=0),
        language=said.language,
        controller=controller,
        purposes=_named(known, said.purposes) if said.purposes else asked,
        withdrawal=find_withdrawal(said.text, said.language) if said.withdrawal is None else said.withdrawal,
        text=said.text,
        data=said.data or (translated.data if translated else DATA_CATEGORIES),
        recipients=said.recipients or (translated.recipients if translated else ()),
        grant_steps=said.grant_steps,
        withdraw_steps=said.withdraw_steps,
    )
    return new, earlier[-1] if earlier and not translated else None


def ended_by(
    new: Notice, before: Notice | None, *, material: tuple[str, ...], editorial: bool
) -> tuple[str, ...] | None:
    """The purposes for which a version ends the consent given before; None for a first version or a translation.

    Raises:
        BadInput: it ends none, or not for these, or an editorial version changes what is done.
    """
    if (material or editorial) and before is None:
        raise BadInput(
            "a first version or a translation changes nothing",
            where="--material" if material else "--editorial",
            mend="leave it out",
        )
    if before is None:
        return None
    if editorial:
        same = (before.controller, set(before.data), set(before.recipients))
        if material or same != (new.controller, set(new.data), set(new.recipients)):
            raise BadInput(
                "other data, recipients or another controller: that is material (GDPR 13(3); PIPL 14(2), 23)",
                where="--editorial",
                mend="leave it out; people are asked again",
            )
        return ()
    for name in material:
        if name not in {*before.purposes, *new.purposes}:
            asked = ", ".join(dict.fromkeys((*before.purposes, *new.purposes)))
            raise BadInput("the notice does not ask for this purpose", where="--material", mend=f"it asks for: {asked}")
    return material or before.purposes


def behind_warnings(new: RegisteredNotice, registered: Sequence[RegisteredNotice]) -> tuple[str, ...]:
    """What is said of a version that stands in fewer languages than what stood before it: those are behind.

    A version that changes nothing for a purpose leaves the texts before it as good for it, in whatever language.
    """
    same = [found for found in registered if found.notice.name == new.notice.name]
    before = [found for found in same if found.notice.version < new.notice.version]
    asked = next((found.notice.purposes for found in reversed(before)), ())
    stood = {tag: name for purpose in asked for tag, name in _languages(before, purpose).items()}
    behind: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for purpose in new.notice.purposes:
        now = _languages([*same, new], purpose)
        if lost := tuple(sorted(name for tag, name in stood.items() if tag not in now)):
            behind.setdefault((lost, tuple(now.values())), []).append(purpose)
    return tuple(_behind(new.notice, lost, now, purposes) for (lost, now), purposes in behind.items())


def _languages(texts: Sequence[RegisteredNotice], purpose: str) -> dict[str, str]:
    """In which languages a text stands that a yes to a purpose may rest on, by their tags in small letters."""
    naming = [found for found in texts if purpose in found.notice.purposes]
    standing = texts_standing(naming, purpose) if naming else ()
    return {found.notice.language.casefold(): found.notice.language for found in standing}


def _behind(new: Notice, lost: Sequence[str], now: Sequence[str], purposes: Sequence[str]) -> str:
    named, add = ", ".join(lost), " and ".join(f"--language {language}" for language in lost)
    to = "" if len(purposes) == len(new.purposes) else f" to {', '.join(purposes)}"
    shown = f"; one without --language is recorded as shown in {now[0]}" if len(now) == 1 else ""
    return (
        f"version {new.version} does not stand in {named} yet: until it does, a yes{to} given there ({add}) is refused"
        f"{shown}. Add its translation: {add}"
    )


def _last_asked(earlier: Sequence[Notice]) -> tuple[str, ...]:
    """What the version before asked for: a text in another language than the purposes' names none of them."""
    return earlier[-1].purposes if earlier else ()


def _translated(earlier: Sequence[Notice], language: str) -> Notice | None:
    """The newest version, if this language lacks it: then this text is its translation."""
    newest = max((notice.version for notice in earlier), default=0)
    versions = [notice for notice in earlier if notice.version == newest]
    if any(notice.language.casefold() == language.casefold() for notice in versions):
        return None
    return versions[0] if versions else None


def _named(known: Mapping[str, Purpose], purposes: tuple[str, ...]) -> tuple[str, ...]:
    for name in purposes:
        if name not in known:
            raise unknown_purpose(name, known, where="--purpose")
    return tuple(dict.fromkeys(purposes))


def _described(known: Mapping[str, Purpose], text: str) -> tuple[str, ...]:
    flat = " ".join(text.split())
    return tuple(name for name, found in known.items() if _names(flat, name) or found.description in flat)


def _names(text: str, purpose: str) -> bool:
    """Whether a text names a purpose whole: `analytics` is not named by `analytics.partners`."""
    return re.search(rf"(?<![\w.-]){re.escape(purpose)}(?![\w-]|\.\w)", text) is not None
