"""The no that stands beside messages that came back: whether there is one, at every end of its time."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.policy.bounced import own_no
from imp_consent.policy.decide import Reason, decision
from imp_consent.policy.scope import Scope

EMAIL = Scope("news", "email")


def history(*words: tuple[str, int] | tuple[str, int, dict[str, Any]]) -> list[PersonEntry]:
    """Entries numbered from 0: (type, time[, fields]); a "bounce" is the signal on the channel."""
    entries = []
    for seq, (word, at_us, *rest) in enumerate(words):
        fields = {"channel": "email" if word == "bounce" else "", **(rest[0] if rest else {})}
        said = Statement(type="signal" if word == "bounce" else word, purpose="news", at_us=at_us, **fields)
        entries.append(PersonEntry(seq=seq, subject=1, statement=said, payload={"signal": word}))
    return entries


def beside(entries: list[PersonEntry], *decided: int, at_us: int) -> tuple[Reason, tuple[int, ...]] | None:
    found = own_no(entries, decision(Reason.SIGNAL, decided), EMAIL, at_us=at_us)
    return None if found is None else (Reason(found.reason), found.entries)


def test_where_no_messages_came_back_there_is_nothing_beside_them() -> None:
    assert beside(history(("refuse", 5)), 0, at_us=6) is None


def test_messages_that_came_back_but_decide_nothing_do_not_bring_the_no_up() -> None:
    both = history(("refuse", 5), ("bounce", 6))
    assert beside(both, 0, at_us=7) is None
    assert beside(both, 1, at_us=7) == (Reason.REFUSED, (0,))


@pytest.mark.parametrize(("at_us", "found"), [(4, None), (5, True), (6, True)])
def test_the_no_is_beside_them_from_the_moment_it_holds(at_us: int, found: bool | None) -> None:
    entries = history(("refuse", 5), ("bounce", 1))
    assert beside(entries, 1, at_us=at_us) == (found and (Reason.REFUSED, (0,)))


@pytest.mark.parametrize(("at_us", "found"), [(8, True), (9, None), (10, None)])
def test_and_until_the_moment_a_later_yes_ends_it(at_us: int, found: bool | None) -> None:
    entries = history(("refuse", 5), ("bounce", 1), ("grant", 9))
    assert beside(entries, 1, at_us=at_us) == (found and (Reason.REFUSED, (0,)))
