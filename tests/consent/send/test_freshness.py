"""Permission is asked for again after 30 s: a slow channel is stopped in time, and loses nobody by it."""

from __future__ import annotations

import itertools
import json
import sqlite3

import pytest

from imp_core.stopwatch import SimulatedStopwatch


@pytest.fixture
def slow(shop, monkeypatch):
    """The shop; every look at the stopwatch finds it a second later."""
    seconds = itertools.count()
    monkeypatch.setattr(SimulatedStopwatch, "seconds", lambda _: float(next(seconds)))
    return shop


def test_who_is_not_reached_in_time_is_asked_about_again_and_reached(slow):
    slow.everybody(50)
    result = slow.send(slow.people(50), "--execute").ok().json
    assert (result["sent"], result["problems"]) == ({"accepted": 50}, [])
    assert len(set(slow.addresses())) == len(slow.addresses()) == 50
    sql = sqlite3.connect(slow.folder / "ledger.db")
    leaves = [json.loads(row[0]) for row in sql.execute("SELECT leaf FROM entry")]
    sql.close()
    intents = [leaf["fields"]["n"] for leaf in leaves if leaf.get("type") == "send-intent"]
    assert len(intents) > 1, "each chunk that outlives its permission needs another one"
    assert intents == sorted(intents, reverse=True)


def test_a_channel_that_never_comes_forward_is_given_up(slow):
    slow.everybody(10)
    slow.settings(mode="defer")
    answer = slow.send(slow.people(10), "--execute")
    assert (answer.code, answer.json["sent"]) == (1, {"deferred": 10})
