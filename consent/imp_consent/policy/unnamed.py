"""Data that a purpose uses and the notice that asks for it does not name: whoever agreed was not told of it.

Who agrees must know which data is used (GDPR 4(11), 13, 14(1)(d); EDPB 05/2020 §64). A purpose declares its data apart
from every notice, so the two may differ; that is told to whoever writes them, and opens or closes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.notice import Notice, RegisteredNotice
from imp_consent.policy.notice_search import newest_notice

__all__ = ["unnamed_data", "unnamed_in_force"]


def unnamed_data(notice: Notice, purposes: Mapping[str, DeclaredPurpose]) -> dict[str, tuple[str, ...]]:
    """By purpose the kinds of data it uses and the notice names neither among its own nor in its text."""
    found = {}
    named, text = {kind.casefold() for kind in notice.data}, notice.text.casefold()
    for name in sorted(purposes, key=len, reverse=True):  # advice.health in the text says nothing of data on health
        text = text.replace(name.casefold(), "")
    for name in notice.purposes:
        data = purposes[name].data if name in purposes else ()
        if lacks := tuple(kind for kind in data if kind.casefold() not in named and kind.casefold() not in text):
            found[name] = lacks
    return found


def unnamed_in_force(
    notices: Sequence[RegisteredNotice], purposes: Mapping[str, DeclaredPurpose]
) -> dict[str, tuple[str, ...]]:
    """The same of the newest notice of each purpose, which is what people read now; of what none asks for, nothing."""
    newest = {name: newest_notice(notices, name) for name in purposes}
    lacks = {name: unnamed_data(found.notice, purposes).get(name, ()) for name, found in newest.items() if found}
    return {name: kinds for name, kinds in lacks.items() if kinds}
