"""A campaign that is an experiment: exposed before delivery, in every variant alike, the silent one included."""

from __future__ import annotations

import pytest

from imp_core.errors import ImpError

BOTH = ("marketing.email", "experimentation")


def exposures(shop):
    """Units counted by variant, from the readout's own door."""
    from imp_core.gate import Action, Use  # noqa: PLC0415 (only here)

    context = shop.context()
    opened = context.view.open(Use(purpose="experimentation", action=Action.ANALYSE))
    rows = opened.events.filter("type = 'exposure'").project("variant, campaign, subject").fetchall()
    opened.abandon()
    context.close()
    return rows


@pytest.fixture
def looked_into(experiment, imp_environ, clock, randomness):
    """The shop, and a context of its own to look with."""
    from imp_core.context import Context  # noqa: PLC0415 (only here)

    def context():
        return Context(environ=imp_environ, directory=experiment.folder, clock=clock, randomness=randomness)

    experiment.context = context
    return experiment


def test_every_variant_is_exposed_alike_and_the_silent_one_is_sent_nothing(looked_into):
    shop = looked_into
    shop.everybody(120, purposes=BOTH)
    result = shop.send(shop.people(120), "--execute").ok().json
    rows = exposures(shop)
    assert result["exposed"] == len(rows) == 120
    by_variant = {name: sum(row[0] == name for row in rows) for name in ("plain", "question", "nothing")}
    assert min(by_variant.values()) > 20
    assert result["held_out"] == by_variant["nothing"]
    assert result["contents"] == {name: by_variant[name] for name in ("plain", "question")}
    assert len(shop.received()) == 120 - by_variant["nothing"]
    assert {row[1] for row in rows} == {"spring"}


def test_who_does_not_permit_the_experiment_meets_control_and_leaves_no_trace(looked_into):
    shop = looked_into
    shop.everybody(30)
    result = shop.send(shop.people(30), "--execute").ok().json
    assert (result["exposed"], result["contents"]) == (0, {"plain": 30})
    assert exposures(shop) == []


def test_a_second_run_exposes_nobody_again(looked_into):
    shop = looked_into
    shop.everybody(40, purposes=BOTH)
    shop.send(shop.people(20), "--execute").ok()
    shop.send(shop.people(40), "--execute").ok()
    assert len(exposures(shop)) == 40


def test_an_exposure_is_there_before_anybody_is_reached(looked_into, monkeypatch):
    shop = looked_into
    shop.everybody(10, purposes=BOTH)

    def broken(*_):
        raise ImpError("the archive is full")

    monkeypatch.setattr("imp_consent.plane.send.send.expose", broken)
    assert shop.send(shop.people(10), "--execute").code == 3
    assert shop.received() == []


def test_a_changed_campaign_is_refused_once_its_experiment_began(experiment):
    experiment.everybody(10, purposes=BOTH)
    experiment.send(experiment.people(5), "--execute").ok()
    path = experiment.folder / "campaigns" / "spring.toml"
    path.write_text(path.read_text().replace("Spring?", "Summer?"), encoding="utf-8")
    answer = experiment.send(experiment.people(10), "--execute")
    assert answer.code == 1
    assert "has changed" in answer.err


def test_an_experiment_that_was_not_started_is_refused(experiment):
    text = (experiment.folder / "experiments" / "spring.toml").read_text().replace('"spring"', '"autumn"')
    (experiment.folder / "experiments" / "autumn.toml").write_text(text)
    campaign = (experiment.folder / "campaigns" / "spring.toml").read_text().replace('"spring"', '"autumn"')
    experiment.campaign(campaign, name="autumn")
    answer = experiment.send(experiment.people(1), campaign="autumn")
    assert answer.code == 1
    assert "has not been started" in answer.err


def test_variants_that_are_not_the_experiment_s_are_refused(experiment):
    text = (experiment.folder / "campaigns" / "spring.toml").read_text().replace("question", "other")
    experiment.campaign(text)
    answer = experiment.send(experiment.people(1))
    assert answer.code == 2
    assert "plain, question, nothing" in answer.err
