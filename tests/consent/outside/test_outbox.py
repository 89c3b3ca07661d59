"""`imp consent tell`: channels are told to forget the erased until each has answered, whatever they do."""

from __future__ import annotations

import hashlib
import hmac
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from imp_consent.identity.pseudonym import channel_pseudonym
from imp_consent.ledger.delivery import Outcome, conclude, intend
from imp_consent.ledger.log import Log
from imp_consent.plane import outbox
from imp_consent.runtime import open_log
from imp_core.channel import BatchLimit
from imp_core.clock import DAY_US, SimulatedClock
from imp_core.context import Context
from imp_core.errors import LedgerBroken
from imp_core.event import RawId

Line = Any
Settings = Callable[..., None]
PEOPLE = ["member:1", "member:2", "member:3", "member:4", "member:5"]


@pytest.fixture
def known(line: Line, settings: Settings) -> Line:
    """The shop knows five people; `acme` answers for everybody."""
    settings()
    for word in PEOPLE:
        line("consent", "record", word, "--purpose", "analytics", "--state", "given").ok()
    return line


@pytest.fixture
def due(context: Context) -> Callable[[], list[tuple[str, str]]]:
    """What is due: channel and pseudonym."""

    def read() -> list[tuple[str, str]]:
        with open_log(context).read() as reader:
            return sorted((str(row[1]), bytes(row[2]).hex()) for row in reader.sealed.select("outbox"))  # type: ignore[arg-type]  # the column is binary

    return read


def erase(line: Line, *words: str) -> Any:
    return line("consent", "erase", *words, "--execute", "--json").ok().json


def test_who_is_erased_is_forgotten_by_every_channel_at_once(
    known: Line, told: Callable[[], list[list[str]]], due: Callable[[], list[Any]], context: Context
) -> None:
    with open_log(context).read() as reader:
        subject = reader.find_subject(RawId.parse("member:1"))
    assert subject is not None
    done = erase(known, "member:1")
    assert done["people"] == 1
    assert [(item["channel"], item["told"], item["due"], item["problem"]) for item in done["told"]] == [
        ("acme", 1, 0, None),
        ("file", 1, 0, None),
    ]
    keyring = open_log(context).keyring
    pseudonym = channel_pseudonym(keyring.active("channel").secret, "acme", subject)
    key = hmac.new(keyring.active("idem").secret, b"forget\x00acme\x00" + pseudonym, hashlib.sha256).digest()[:16]
    assert told() == [[pseudonym.hex(), key.hex()]]
    assert due() == []
    known("audit", "verify").ok()


@pytest.mark.parametrize(
    ("mode", "problem"),
    [
        ("broken", "the plugin raised RuntimeError"),
        ("gone", "Permanent: 410"),
        ("others", "the plugin raised ValueError"),
        ("hangs", "did not answer"),
    ],
)
def test_a_channel_that_breaks_keeps_its_rows_and_never_fails_the_erasure(
    known: Line, settings: Settings, due: Callable[[], list[Any]], monkeypatch: pytest.MonkeyPatch, mode: str,
    problem: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(outbox, "_SECONDS", 0.3)
    settings(forget=mode)
    answer = known("consent", "erase", *PEOPLE[:2], "--execute")
    assert answer.ok().out.startswith("erased 2 people")
    assert "tell them again with imp consent tell" in answer.out
    assert problem in answer.out
    assert "ann@" not in answer.out + answer.err
    assert [channel for channel, _ in due()] == ["acme", "acme"]
    again = known("consent", "tell")
    assert (again.code, "2 due" in again.out) == (1, True)
    settings(forget="all")
    assert known("consent", "tell").ok().out == "acme: told of 2 erased people\n"
    assert due() == []
    assert known("consent", "tell").ok().out == "nobody has to be told anything\n"
    known("audit", "verify").ok()


def test_whoever_is_not_answered_for_stays_due_under_the_same_key(
    known: Line, settings: Settings, told: Callable[[], list[list[str]]], due: Callable[[], list[Any]]
) -> None:
    settings(forget="half")
    done = erase(known, *PEOPLE)
    assert [(item["told"], item["due"]) for item in done["told"] if item["channel"] == "acme"] == [(3, 2)]
    first = told()
    assert [handle for handle, _ in first] == sorted(handle for handle, _ in first)
    left = {handle for channel, handle in due() if channel == "acme"}
    settings(forget="all")
    known("consent", "tell").ok()
    assert {handle for handle, _ in told()[5:]} == left
    assert {tuple(row) for row in told()[5:]} <= {tuple(row) for row in first}


def test_only_a_yes_or_a_final_no_ends_it(known: Line, settings: Settings) -> None:
    settings(forget="later")
    done = erase(known, *PEOPLE)
    assert [(item["told"], item["due"]) for item in done["told"] if item["channel"] == "acme"] == [(1, 4)]


def test_a_channel_is_told_in_batches_it_can_take(
    known: Line, acme: str, monkeypatch: pytest.MonkeyPatch, told: Callable[[], list[list[str]]]
) -> None:
    channel = importlib.import_module(acme).Acme
    monkeypatch.setattr(channel, "info", replace(channel.info, batch=BatchLimit(rows=2)))
    erase(known, *PEOPLE)
    assert len(told()) == 5
    monkeypatch.setattr(outbox, "_MOST_ROWS", 3)
    assert known("consent", "tell").ok().out == "nobody has to be told anything\n"


def test_a_channel_that_was_disabled_or_left_out_keeps_its_rows_and_is_named(
    known: Line, settings: Settings, due: Callable[[], list[Any]]
) -> None:
    settings(forget="broken")
    erase(known, "member:1")
    settings(forget="all")
    left_out = known("--without", "acme", "consent", "tell")
    assert (left_out.code, "acme: told of 0 erased people, 1 due" in left_out.out) == (1, True)
    known("plugin", "disable", "acme").ok()
    disabled = known("consent", "tell")
    assert (disabled.code, "cannot be used: not enabled" in disabled.out) == (1, True)
    assert len(due()) == 1
    known("plugin", "enable", "acme").ok()
    known("consent", "tell").ok()
    assert due() == []


def test_a_channel_that_was_disabled_before_the_erasure_is_told_of_it_once_it_is_back(
    known: Line, told: Callable[[], list[list[str]]], due: Callable[[], list[Any]]
) -> None:
    known("plugin", "disable", "acme").ok()
    done = erase(known, "member:1")
    assert [(item["channel"], item["told"], item["due"]) for item in done["told"]] == [("acme", 0, 1), ("file", 1, 0)]
    assert "not enabled" in done["told"][0]["problem"]
    known("plugin", "enable", "acme").ok()
    known("consent", "tell").ok()
    assert (len(told()), due()) == (1, [])


@pytest.mark.parametrize(
    ("entry", "field"), [("plugin-enable", "name"), ("collect", "channel"), ("send-intent", "channel")]
)
def test_every_channel_that_the_ledger_names_may_know_somebody(
    line: Line, context: Context, entry: str, field: str
) -> None:
    log = open_log(context)
    with log.write() as transaction:
        transaction.append_system(entry, {field: "gone"})
        transaction.append_system(entry, {field: None})
    with log.read() as reader:
        assert outbox.channels_of(reader) == {"acme", "file", "gone"}


def test_a_channel_that_is_sending_is_told_when_its_chunk_is_closed(
    known: Line, told: Callable[[], list[list[str]]], context: Context
) -> None:
    log, key, document = open_log(context), bytes(16), b"{}"
    definition = hashlib.sha256(document).hexdigest()
    with log.write() as transaction:
        intent = intend(transaction, [key], {"channel": "acme", "definition": definition}, document=document)
    done = erase(known, "member:1")
    assert [(item["channel"], item["told"], item["due"]) for item in done["told"]] == [("acme", 0, 1), ("file", 1, 0)]
    assert "a send is under way" in done["told"][0]["problem"]
    assert "a send is under way" in known("consent", "tell", "--dry-run").ok().out
    assert told() == []
    with log.write() as transaction:
        conclude(transaction, intent, {key: Outcome("accepted")}, channel="acme", recovered=False)
    known("consent", "tell").ok()
    assert len(told()) == 1


def test_one_channel_that_breaks_does_not_keep_the_others_from_being_told(known: Line, settings: Settings) -> None:
    settings(forget="broken")
    done = erase(known, "member:1")
    assert [(item["channel"], item["told"]) for item in done["told"]] == [("acme", 0), ("file", 1)]


def test_settings_that_cannot_be_read_are_one_channels_problem(known: Line, settings: Settings) -> None:
    settings(forget="broken")
    path = known.workspace / "imp.toml"
    path.write_text(path.read_text() + "odd = { a = 1 }\n")
    done = known("consent", "erase", "member:1", "--execute", "--json")
    assert [item["told"] for item in done.ok().json["told"]] == [0, 1]


def test_a_dry_run_says_what_is_due_and_tells_nobody(
    known: Line, settings: Settings, told: Callable[[], list[list[str]]]
) -> None:
    settings(forget="broken")
    erase(known, "member:1")
    before = told()
    assert known("consent", "tell", "--dry-run").ok().out == "acme: 1 due\n"
    found = known("consent", "tell", "--dry-run", "--json").ok().json
    assert found["dry_run"] is True
    assert found["channels"] == [
        {"channel": "acme", "what": "erase", "purpose": None, "told": 0, "due": 1, "overdue": 0, "problem": None},
    ]
    assert told() == before


def test_the_doctor_names_what_is_overdue(known: Line, settings: Settings, clock: SimulatedClock) -> None:
    def outbox_check() -> Any:
        checks = known("doctor", "--json").json["checks"]
        return next(check for check in checks if check["name"] == "outbox")

    settings(forget="broken")
    assert outbox_check()["detail"] == "0 people to be told of to channels, none overdue"
    erase(known, "member:1")
    assert outbox_check()["ok"] is True
    clock.move_to(clock.now_us() + 31 * DAY_US)
    found = outbox_check()
    assert (found["ok"], found["detail"]) == (False, "1 person overdue to be told of to acme")
    assert found["mend"] == "tell the channels: imp consent tell"
    assert "1 due (1 overdue)" in known("consent", "tell").out


def test_a_broken_outbox_does_not_undo_the_erasure(known: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LedgerBroken("a row was changed by other hands")

    monkeypatch.setattr("imp_consent.commands.tell.tell_channels", broken)
    done = erase(known, "member:1")
    assert (done["people"], done["told"], done["problem"]) == (1, [], "a row was changed by other hands")
    denied = known("consent", "check", "member:1", "--purpose", "analytics", "--json")
    assert denied.json["reason"] == "no_record"


def test_the_help_shows_an_example(imp_here: Line) -> None:
    assert "Example: imp consent tell" in imp_here("consent", "tell", "--help").ok().out


def test_words_are_looked_up_by_an_index_and_not_by_reading_them_all(
    known: Line, context: Context, settings: Settings
) -> None:
    purpose = "marketing.email"
    for who in PEOPLE[:3]:
        for state in ("given", "withdrawn"):
            known("consent", "record", who, "--purpose", purpose, "--state", state).ok()
    asked: list[str] = []

    def plans() -> list[str]:
        """How SQLite finds what it was asked for of the outbox, for each statement with a condition."""
        with open_log(context).read() as reader:
            found = [reader.sql.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall() for statement in asked]
        return [str(row[3]) for rows in found for row in rows if "outbox" in str(row[3])]

    real = Log.write

    @contextmanager
    def watched(log: Log) -> Iterator[Any]:
        with real(log) as transaction:
            transaction.sql.set_trace_callback(
                lambda text: asked.append(text) if "outbox" in text and " WHERE " in text else None
            )
            try:
                yield transaction
            finally:
                transaction.sql.set_trace_callback(None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Log, "write", watched)
        known("consent", "record", PEOPLE[3], "--purpose", purpose, "--state", "given").ok()
        known("consent", "record", PEOPLE[3], "--purpose", purpose, "--state", "withdrawn").ok()
        known("consent", "tell").ok()
        known("consent", "record", PEOPLE[0], "--purpose", purpose, "--state", "given").ok()
        known("consent", "record", PEOPLE[0], "--purpose", purpose, "--state", "withdrawn").ok()
        erase(known, PEOPLE[0])
    wanted = ("SEARCH outbox USING INDEX ix_outbox_word (what=?", "SEARCH outbox USING INDEX ix_outbox_word (what>?")
    assert len(asked) > 8
    assert [plan for plan in plans() if not plan.startswith(wanted) and "PRIMARY KEY" not in plan] == []
    assert sum("channel=? AND pseudonym=?" in plan for plan in plans()) > 4
