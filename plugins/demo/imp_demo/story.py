"""The demo's chapters, in order. Each calls the functions behind the commands and keeps what they returned."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from imp_consent.commands.check import check
from imp_consent.commands.erase import erase
from imp_consent.commands.importer import import_file
from imp_consent.commands.ingest import ingest
from imp_consent.commands.init import init
from imp_consent.runtime import open_log
from imp_core.errors import ImpError
from imp_core.event import RawId
from imp_core.gate import Action, Use
from imp_core.plugin_commands import enable
from imp_demo.definitions import banner_test, email_test
from imp_demo.mailing import WAVES, prepare_mailing, send_wave, settle_mailing
from imp_demo.proof import prove
from imp_demo.reading import read_broken, read_email_test
from imp_demo.result import Consented, DemoResult, EmailTest, Intake, Leaving, Mailing
from imp_demo.shop import (
    BROKEN,
    DAYS,
    EMAIL_TEST,
    Customer,
    ShopEvent,
    browsing,
    customers,
    exposures_of_banner,
    outcomes,
    write_consent,
    write_events,
)
from imp_demo.sink import mail_sink
from imp_demo.stage import Stage
from imp_experiments.commands.start import start_experiment

__all__ = ["tell"]

_START_DAY = 3
_HORIZON_DAYS = 28
_TAKEN_IN = (10, 17, 24, 31, 38, DAYS)
_LEAVE_DAY = DAYS - 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """Somebody who was exposed, and when."""

    customer: Customer
    variant: str
    at_us: int


def tell(stage: Stage, people: int, say: Callable[[str], None]) -> DemoResult:
    """Play the whole story; `say` hears the name of each chapter as it begins.

    Raises:
        ImpError: anything a command refuses; the demo never goes on without it.
    """
    began = time.perf_counter()
    say("a workspace, its keys and its ledger")
    init(stage.ctx, stage.workspace, controller="Demo Shop (generated data)")
    enable(stage.ctx, "file")
    say("consent of everybody")
    crowd = customers(stage.dice, people, stage.start_us)
    consented = _ask(stage, crowd)
    say("experiments and six weeks of events")
    _start_experiments(stage)
    sent, events, mailing = _live(stage, crowd)
    intake = _take_in(stage, events)
    say("readouts")
    before = read_email_test(stage)
    broken = read_broken(stage)
    say("a group leaves, one of them is erased")
    leaving = _leave(stage, sent, before)
    say("the ledger, and a copy with one byte flipped")
    proof = prove(stage)
    stage.ctx.close()
    return DemoResult(
        generated=True, seed=stage.seed, workspace=str(stage.workspace), keys=str(stage.keys), consent=consented,
        mailing=mailing, intake=intake, email_test=before, broken=broken, leaving=leaving, proof=proof,
        seconds=time.perf_counter() - began,
    )  # fmt: skip


def _ask(stage: Stage, crowd: list[Customer]) -> Consented:
    path = stage.inputs / "consent.csv"
    write_consent(path, crowd)
    stage.clock.move_to(stage.day(2))
    import_file(stage.ctx, path)
    path.unlink()
    by_purpose: dict[str, Counter[str]] = {}
    with open_log(stage.ctx).read():  # one snapshot for all these questions
        for person in crowd:
            subject = stage.ctx.gate.resolve(RawId.parse(person.identifier))
            for purpose in ("experimentation", "analytics", "marketing.email"):
                use = Use(purpose=purpose, action=Action.COLLECT, subject=subject)
                decided = stage.ctx.gate.decide(use, at_us=stage.clock.now_us())
                by_purpose.setdefault(purpose, Counter())[decided.reason] += 1
    return Consented(people=len(crowd), by_purpose={name: dict(counts) for name, counts in by_purpose.items()})


def _start_experiments(stage: Stage) -> None:
    stage.clock.move_to(stage.day(_START_DAY))
    folder = stage.ctx.workspace.experiments
    (folder / f"{EMAIL_TEST}.toml").write_text(email_test(stage.salt(), _HORIZON_DAYS), encoding="utf-8")
    (folder / f"{BROKEN}.toml").write_text(banner_test(stage.salt(), _HORIZON_DAYS), encoding="utf-8")
    for name in (EMAIL_TEST, BROKEN):
        start_experiment(stage.ctx, name)


def _live(stage: Stage, crowd: list[Customer]) -> tuple[list[_Sent], list[ShopEvent], Mailing]:
    """Six weeks: waves of e-mail past the gate, and what the shop's systems see."""
    events = list(browsing(stage.dice, crowd, stage.start_us))
    sent: list[_Sent] = []
    mailing = Mailing()
    with mail_sink() as sink:
        prepare_mailing(stage, sink)
        for place, day in enumerate(WAVES):
            stage.clock.move_to(stage.day(day))
            wave = crowd[place :: len(WAVES)]
            mailing = send_wave(stage, wave, mailing)
            sent += _reached(stage, wave)
        mailing = settle_mailing(mailing, sink)
    for item in sent:
        events.extend(outcomes(stage.dice, item.customer, item.variant, item.at_us))
    for person, subject in _permitting(stage, crowd, ("experimentation",)):
        banner = stage.ctx.assigner.assign(BROKEN, str(subject)).variant or "blue"
        events.extend(exposures_of_banner(stage.dice, person, banner, stage.day(_START_DAY + 7 * stage.dice.uniform())))
    return sent, [event for event in events if event.at_us < stage.day(DAYS)], mailing


def _reached(stage: Stage, wave: list[Customer]) -> list[_Sent]:
    """Who took part in a wave, and which version they read: that is what they respond to."""
    now_us = stage.clock.now_us()
    return [
        _Sent(
            customer=person,
            variant=stage.ctx.assigner.assign(EMAIL_TEST, str(subject)).variant or "plain",
            at_us=now_us,
        )
        for person, subject in _permitting(stage, wave, ("experimentation", "marketing.email"))
    ]


def _permitting(stage: Stage, crowd: list[Customer], purposes: tuple[str, ...]) -> list[tuple[Customer, int]]:
    permitting: list[tuple[Customer, int]] = []
    now_us = stage.clock.now_us()
    with open_log(stage.ctx).read():
        for person in crowd:
            subject = stage.ctx.gate.resolve(RawId.parse(person.identifier))
            uses = (Use(purpose=purpose, action=Action.ACTIVATE, subject=subject) for purpose in purposes)
            if subject is not None and all(stage.ctx.gate.decide(use, at_us=now_us).permitted for use in uses):
                permitting.append((person, subject))
    return permitting


def _take_in(stage: Stage, events: list[ShopEvent]) -> Intake:
    received = admitted = 0
    denied: Counter[str] = Counter()
    begin = stage.start_us
    for day in _TAKEN_IN:
        end = stage.day(day)
        week = [event for event in events if begin <= event.at_us < end]
        path = stage.inputs / f"events-{day:02d}.csv"
        stage.next_id += write_events(path, week, first_id=stage.next_id)
        stage.clock.move_to(end)
        taken = ingest(stage.ctx, "file", path)
        path.unlink()
        received, admitted, begin = received + taken.received, admitted + taken.admitted, end
        denied.update(taken.denied)
    return Intake(files=len(_TAKEN_IN), received=received, admitted=admitted, denied=dict(denied))


def _leave(stage: Stage, sent: list[_Sent], before: EmailTest) -> Leaving:
    """Never fewer than k people: the difference of two readouts would reveal them."""
    k = stage.ctx.workspace.k
    early = [item for item in sent if item.at_us < stage.day(DAYS - 20)]
    count = max(2 * k, len(sent) // 50)
    if len(early) < count:
        raise ImpError("too few people for a group to leave", mend="take more: --people 1000")
    group = [early[place * len(early) // count].customer for place in range(count)]
    path = stage.inputs / "withdrawals.csv"
    _write_withdrawals(stage, path, group)
    import_file(stage.ctx, path)
    path.unlink()
    one = RawId.parse(group[0].identifier)
    withdrawn = check(stage.ctx, one, purpose="experimentation")
    erased = erase(stage.ctx, [one])
    after = read_email_test(stage)
    return Leaving(
        withdrew=len(group),
        decision_after_withdrawal=withdrawn.reason,
        erased_people=erased.people,
        leaves_unlinkable=erased.leaves,
        rows_removed=erased.rows,
        decision_after_erasure=check(stage.ctx, one, purpose="experimentation").reason,
        counted_before=before.matured,
        counted_after=after.matured,
        excluded_after=after.excluded,
    )


def _write_withdrawals(stage: Stage, path: Path, group: list[Customer]) -> None:
    people = [
        Customer(member=person.member, asked_us=stage.day(_LEAVE_DAY), answers={"experimentation": "withdrawn"})
        for person in group
    ]
    write_consent(path, people)
