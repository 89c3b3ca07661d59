"""The generated shop: customers, what they permitted, what the experiments plant, and the files its systems export.

Everything here is invented; the planted effects are what the readout is compared with.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imp_core.clock import DAY_US, SECOND_US, format_time
from imp_demo.dice import Dice

__all__ = [
    "AA_METRIC", "BROKEN", "CHANNELS", "DAYS", "EMAIL_TEST", "EVENT_FIELDS", "PLANTED_VISITS", "Customer", "ShopEvent",
    "browsing", "customers", "exposures_of_banner", "outcomes", "write_consent", "write_events",
]  # fmt: skip

DAYS: Final = 45
CHANNELS: Final = ("email", "web", "store", "sms")
EMAIL_TEST: Final = "spring-email"
BROKEN: Final = "banner-colour"
AA_METRIC: Final = "store-visit"
BASE_VISIT: Final = 0.20
PLANTED_VISITS: Final = {"question": 0.10, "offer": 0.30}  # relative lift of the visit rate over `plain`
STORE_VISIT: Final = 0.15  # the same in every variant: the A/A metric
ORDER_GIVEN_VISIT: Final = 0.25
LOST_EXPOSURES: Final = 0.3  # of one variant of the broken experiment
WINDOW_DAYS: Final = 14
CURRENCY: Final = "EUR"
EVENT_FIELDS: Final = (
    "type", "identifier", "at", "purpose", "id", "channel", "name", "experiment", "variant", "amount", "currency",
)  # fmt: skip

# What people answered, per purpose; the rest was never asked or never answered.
_ANSWERS: Final = {
    "experimentation": {"given": 0.80, "refused": 0.12, "": 0.08},
    "analytics": {"given": 0.70, "refused": 0.15, "": 0.15},
    "marketing.email": {"given": 0.60, "refused": 0.20, "": 0.20},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A generated person: the shop's member number, and what was answered when."""

    member: str
    asked_us: int
    answers: dict[str, str]

    @property
    def identifier(self) -> str:
        """As the shop's systems write it."""
        return f"member:{self.member}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopEvent:
    """One row of the shop's exports; empty fields are empty columns."""

    at_us: int
    type: str
    customer: Customer
    purpose: str
    channel: str
    name: str = ""
    experiment: str = ""
    variant: str = ""
    amount: str = ""


def customers(dice: Dice, count: int, start_us: int) -> list[Customer]:
    """`count` people, asked within the first two days."""
    return [
        Customer(
            member=f"C{number:06d}",
            asked_us=start_us + dice.between(0, 2 * DAY_US // SECOND_US) * SECOND_US,
            answers={purpose: answer for purpose, weights in _ANSWERS.items() if (answer := dice.pick(weights))},
        )
        for number in range(1, count + 1)
    ]


def write_consent(path: Path, people: Iterable[Customer]) -> int:
    """Write a consent file of what people answered; returns the rows."""
    rows = [
        (person.identifier, purpose, answer, format_time(person.asked_us))
        for person in people
        for purpose, answer in person.answers.items()
    ]
    _write(path, ("identifier", "purpose", "state", "at"), rows)
    return len(rows)


def write_events(path: Path, events: Sequence[ShopEvent], *, first_id: int) -> int:
    """Write an export of events in the order of time; returns the rows."""
    rows = (
        (
            event.type, event.customer.identifier, format_time(event.at_us), event.purpose, f"shop-{first_id + number}",
            event.channel, event.name, event.experiment, event.variant, event.amount, CURRENCY if event.amount else "",
        )
        for number, event in enumerate(sorted(events, key=lambda event: event.at_us))
    )  # fmt: skip
    _write(path, EVENT_FIELDS, rows)
    return len(events)


def browsing(dice: Dice, people: Iterable[Customer], start_us: int) -> Iterator[ShopEvent]:
    """What the shop's systems see of everybody, permitted or not: that is for the gate to say."""
    for person in people:
        for _ in range(dice.between(1, 4)):
            channel = CHANNELS[dice.between(0, len(CHANNELS))]
            purpose = "marketing.email" if channel == "email" else "analytics"
            at_us = start_us + dice.between(3 * 86_400, DAYS * 86_400 - 60) * SECOND_US
            yield ShopEvent(
                at_us=at_us, type="touchpoint", customer=person, purpose=purpose, channel=channel, name="browse"
            )


def outcomes(dice: Dice, person: Customer, variant: str, sent_us: int) -> Iterator[ShopEvent]:
    """What a person does within two weeks of the e-mail, with the planted effect of its variant."""

    def later() -> int:
        return sent_us + dice.between(60, (WINDOW_DAYS - 1) * 86_400) * SECOND_US

    def event(name: str, channel: str, at_us: int, amount: str = "") -> ShopEvent:
        return ShopEvent(
            at_us=at_us, type="outcome", customer=person, purpose="experimentation", channel=channel, name=name,
            amount=amount,
        )  # fmt: skip

    if dice.chance(BASE_VISIT * (1 + PLANTED_VISITS.get(variant, 0.0))):
        visit_us = later()
        yield event("visit", "web", visit_us)
        if dice.chance(ORDER_GIVEN_VISIT):
            yield event("order", "web", visit_us + 600 * SECOND_US, f"{dice.between(1000, 15000) / 100:.2f}")
    if dice.chance(STORE_VISIT):
        yield event("store.visit", "store", later())


def exposures_of_banner(dice: Dice, person: Customer, variant: str, at_us: int) -> Iterator[ShopEvent]:
    """The broken experiment: the shop's page loses part of one variant's exposures before they are exported."""
    if variant == "green" and dice.chance(LOST_EXPOSURES):
        return
    yield ShopEvent(
        at_us=at_us, type="exposure", customer=person, purpose="experimentation", channel="web",
        experiment=BROKEN, variant=variant,
    )  # fmt: skip


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
