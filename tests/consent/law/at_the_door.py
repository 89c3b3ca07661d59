"""What people say at the door itself, in few words, and what is written of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from imp_consent.ledger.entry import PersonEntry
from imp_consent.policy.door import Appended, Door
from imp_consent.policy.saying import Saying
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.event import RawId

LI = RawId("member", "li")
PLAIN, TAGGED = RawId("email", "janedoe@gmail.com"), RawId("email", "jane.doe+news@gmail.com")
CHINA: dict[str, Any] = {"regimes": ("cn-pipl",), "jurisdiction": "CN", "consent": "separate"}


@contextmanager
def door(shop: Context) -> Iterator[Door]:
    """The door, open for one transaction."""
    with open_log(shop).write() as transaction:
        yield Door(shop, transaction, surface="test")


def words(shop: Context, type_: str, purpose: str = "analytics", **said: Any) -> Saying:
    """What somebody says now."""
    return Saying(**{"type": type_, "purpose": purpose, "at_us": shop.clock.now_us()} | said)


def say(
    shop: Context,
    type_: str,
    purpose: str = "analytics",
    *,
    who: RawId | int = LI,
    returning: bool = False,
    **said: Any,
) -> Appended:
    """Say it, in a transaction of its own."""
    with door(shop) as open_door:
        return open_door.append(who, words(shop, type_, purpose, **said), returning=returning)


def entries(shop: Context, who: RawId | int = LI) -> list[PersonEntry]:
    """Somebody's entries."""
    with open_log(shop).read() as reader:
        subject = reader.find_subject(who) if isinstance(who, RawId) else who
        return [] if subject is None else reader.history(subject)
