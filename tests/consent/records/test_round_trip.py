"""What is exported is imported somewhere else and exported again: the same statements, the same decisions."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from imp_consent.commands.check import check
from imp_consent.commands.export_records import FORMATS, RecordsExport, export_records
from imp_consent.commands.import_records import RecordsImport, import_records
from imp_consent.commands.notices import add_notice
from imp_consent.commands.purposes import add_purpose
from imp_consent.commands.record_files import read_records
from imp_consent.ledger.entry import Statement
from imp_consent.policy.door import Door
from imp_consent.policy.saying import Saying
from imp_consent.records.row import RecordRow
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SimulatedClock
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId
from imp_core.gate import Action, Use

# every example makes two workspaces: to make a failing one smaller would take minutes
QUICK = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
Shops = Callable[[], tuple[Context, Context]]
PURPOSES = ("analytics", "experimentation", "marketing.email")
CHANNELS = ("", "email", "sms")
GUARDIAN = {"guardian": "9f" * 16, "role": "mother", "verification": "passport seen"}

sayings = st.builds(
    dict,
    type=st.sampled_from(
        ["grant", "grant", "grant", "refuse", "withdraw", "object", "restrict", "limit-sensitive", "lift", "minor",
         "guardian", "signal", "basis", "correction"]
    ),
    purpose=st.sampled_from([*PURPOSES, "*"]),
    channel=st.sampled_from(CHANNELS),
    day=st.integers(1, 400),
    valid_for_days=st.sampled_from([None, None, 30, 90]),
    consent=st.sampled_from([None, "explicit"]),
    informed=st.booleans(),
    bundled=st.sampled_from([False, False, True]),
    steps=st.sampled_from([None, 2]),
    lifts=st.sampled_from(["restrict", "object"]),
)  # fmt: skip
histories = st.lists(st.lists(sayings, min_size=1, max_size=6), min_size=1, max_size=4)


def said(ctx: Context, words: dict[str, Any], newest: int | None) -> Saying:
    """What the drawn words say; only what belongs to their type."""
    type_, purpose = words["type"], words["purpose"]
    if type_ in {"grant", "refuse", "basis"} and purpose == "*":
        purpose = "analytics"
    more: dict[str, Any] = {}
    if type_ == "grant":
        more = {name: words[name] for name in ("consent", "informed", "bundled", "steps", "valid_for_days")}
    elif type_ == "basis":
        more = {"basis": "contract"}
    elif type_ == "lift":
        grounds = {"told": "letter", "notified": "letter", "assessment": "file 3", "grounds": "file 3"}
        more = {"lifts": words["lifts"], "grounds": grounds}
    elif type_ == "minor":
        more = {"needs": "guardian", "until_us": ctx.clock.now_us() + 400 * DAY_US}
    elif type_ == "guardian":
        more = {"more": GUARDIAN}
    elif type_ == "correction":
        more = {"corrects": newest}
    at_us = ctx.clock.now_us() - words["day"] * DAY_US
    return Saying(type=type_, purpose=purpose, at_us=at_us, channel=words["channel"], evidence="form 7", **more)


def fill(ctx: Context, people: list[list[dict[str, Any]]]) -> list[RawId]:
    """Record what can be recorded of each; the identifiers of those of whom anything was."""
    known = []
    with open_log(ctx).write() as transaction:
        door = Door(ctx, transaction, surface="test")
        for number, history in enumerate(people):
            who, newest = RawId("member", f"{number}"), None
            for words in history:
                try:
                    newest = door.append(who, said(ctx, words, newest)).seq
                except BadInput:
                    continue
            known += [who] if newest is not None else []
    return known


def rows(path: Path, format_: str) -> dict[str, list[RecordRow]]:
    """The rows of an export by person, in order; guardians have another pseudonym in each."""
    found = defaultdict(list)
    for _, _, row in read_records(path, "27560" if format_ == "27560" else "records"):
        assert isinstance(row, RecordRow)
        details = {name: value for name, value in row.details.items() if name != "guardian"}
        found[row.person].append(replace(row, details=details))
    return {person: sorted(theirs, key=lambda row: row.position) for person, theirs in found.items()}


def statements(path: Path, format_: str) -> Counter[tuple[Statement, ...]]:
    """What everybody said, nobody named."""
    return Counter(tuple(row.statement for row in theirs) for theirs in rows(path, format_).values())


def decisions(ctx: Context, people: list[RawId]) -> list[tuple[str, bool]]:
    """What the gate says of everybody now and at some times before."""
    now_us = ctx.clock.now_us()
    with open_log(ctx).read() as reader:
        subjects = [reader.find_subject(who) for who in people]
    uses = [
        (Use(purpose=purpose, action=Action.COLLECT, subject=subject, channel=channel or None), now_us - day * DAY_US)
        for subject in subjects
        for purpose in PURPOSES
        for channel in CHANNELS
        for day in (0, 60, 200)
    ]
    found = [ctx.gate.decide(use, at_us=at_us) for use, at_us in uses]
    return [(item.reason, item.permitted) for item in found]


def exported(ctx: Context, name: str, format_: str, **more: Any) -> tuple[Path, RecordsExport]:
    path = ctx.directory / f"{name}.{'jsonld' if format_ == '27560' else format_}"
    return path, export_records(ctx, path, format_=format_, **more)


def imported(ctx: Context, path: Path, format_: str, **more: Any) -> RecordsImport:
    return import_records(ctx, path, format_="27560" if format_ == "27560" else "records", **more)


@pytest.mark.parametrize("format_", FORMATS)
@settings(QUICK, max_examples=12)
@given(people=histories)
def test_export_import_export_says_and_decides_the_same(two_shops: Shops, format_: str, people: Any) -> None:
    one, other = two_shops()
    known = fill(one, people)
    first, done = exported(one, "first", format_, people=known)
    taken = imported(other, first, format_) if done.rows else None
    again, back = exported(other, "again", format_, people=known)
    assert (back.rows, back.people) == (done.rows, done.people)
    assert taken is None or taken.rows == done.rows
    if done.rows:
        assert rows(again, format_) == rows(first, format_)
    assert decisions(other, known) == decisions(one, known)


@settings(QUICK, max_examples=8)
@given(people=histories)
def test_every_format_says_the_same_under_pseudonyms(two_shops: Shops, people: Any) -> None:
    one, other = two_shops()
    fill(one, people)
    made = {format_: exported(one, format_, format_) for format_ in FORMATS}
    if not made["csv"][1].rows:  # nothing that the door lets in was said; a file without rows is refused
        assert all(not done.rows for _, done in made.values())
        return
    files = {format_: path for format_, (path, _) in made.items()}
    found = {format_: statements(path, format_) for format_, path in files.items()}
    assert all(said == found["csv"] for said in found.values())
    imported(other, files["27560"], "27560")
    assert statements(exported(other, "again", "csv")[0], "csv") == found["csv"]


def test_two_exports_cannot_be_joined_and_name_nobody(shop: Context) -> None:
    words = {"type": "grant", "purpose": "analytics", "channel": "", "day": 3, "valid_for_days": None}
    words |= {"consent": None, "informed": False, "bundled": False, "steps": None}
    fill(shop, [[words]])
    texts = [exported(shop, name, format_)[0].read_text() for name in ("a", "b") for format_ in ("jsonl", "27560")]
    people = [set(rows(shop.directory / f"{name}.jsonld", "27560")) for name in ("a", "b")]
    assert not people[0] & people[1]
    for text in texts:
        assert "member:0" not in text
        assert "form 7" not in text


def test_a_guardians_pseudonym_in_the_ledger_stays_there(shop: Context) -> None:
    known = fill(shop, [[{"type": "guardian", "purpose": "analytics", "channel": "", "day": 1}]])
    named, _ = exported(shop, "named", "jsonl", people=known)
    unnamed, _ = exported(shop, "unnamed", "jsonl")
    assert "mother" in named.read_text()
    assert GUARDIAN["guardian"] not in named.read_text() + unnamed.read_text()
    assert "mother" not in unnamed.read_text()


def test_purposes_and_notices_go_along_word_for_word(two_shops: Shops) -> None:
    one, other = two_shops()
    add_purpose(one, "marketing.sms", "We send you offers by text message.", declared={"traits": ("none",)})
    text = one.directory / "sms.txt"
    text.write_text("Shop Ltd 会给您发短信。marketing.sms\n\n您可以随时撤回同意。", encoding="utf-8")
    added = add_notice(one, text, name="sms", language="zh-Hans", purposes=("marketing.sms",))
    with open_log(one).write() as transaction:
        at_us = one.clock.now_us() - DAY_US
        Door(one, transaction, surface="test").append(
            RawId("member", "1"), Saying(type="grant", purpose="marketing.sms", at_us=at_us, consent="explicit")
        )
    terms = one.directory / "terms.json"
    path, _ = exported(one, "a", "csv", people=[RawId("member", "1")], terms_path=terms)
    with pytest.raises(BadInput, match="unknown purpose"):
        imported(other, path, "csv")
    taken = imported(other, path, "csv", terms_path=terms)
    assert (taken.rows, taken.purposes, taken.notices) == (1, 1, 1)
    with open_log(other).read() as reader:
        assert "您可以随时撤回同意" in reader.notice(added.sha256).decode()
    assert check(other, RawId("member", "1"), purpose="marketing.sms").permitted


def test_a_document_brings_its_terms_itself(two_shops: Shops) -> None:
    one, other = two_shops()
    add_purpose(one, "research", "We ask what you think.", declared={"traits": ("none",)})
    with open_log(one).write() as transaction:
        said_ = Saying(type="refuse", purpose="research", at_us=one.clock.now_us())
        Door(one, transaction, surface="test").append(RawId("member", "1"), said_)
    path, _ = exported(one, "a", "27560")
    assert imported(other, path, "27560", terms_path=path).purposes == 1


def test_a_consent_that_a_changed_notice_ended_stays_ended(two_shops: Shops) -> None:
    one, other = two_shops()
    who = RawId("member", "1")
    with open_log(one).write() as transaction:
        said_ = Saying(type="grant", purpose="analytics", at_us=one.clock.now_us() - DAY_US)
        Door(one, transaction, surface="test").append(who, said_)
    clock = one.clock
    assert isinstance(clock, SimulatedClock)
    clock.move_to(clock.now_us() + 10 * DAY_US)
    with open_log(one).write() as transaction:
        transaction.append_system("policy", {"material": ["analytics"]})
    clock.move_to(clock.now_us() + 10 * DAY_US)
    path, _ = exported(one, "a", "csv", people=[who])
    other.clock.move_to(clock.now_us())  # type: ignore[attr-defined]
    imported(other, path, "csv")
    assert not check(one, who, purpose="analytics").permitted
    assert not check(other, who, purpose="analytics").permitted
    early = clock.now_us() - 12 * DAY_US
    assert check(other, who, purpose="analytics", at_us=early).permitted


def test_the_same_file_again_records_nothing_new(two_shops: Shops) -> None:
    one, other = two_shops()
    fill(one, [[{"type": "refuse", "purpose": "analytics", "channel": "", "day": 1}]])
    path, _ = exported(one, "a", "jsonl")
    assert imported(other, path, "jsonl").rows == 1
    size = open_log(other).size
    done = imported(other, path, "jsonl")
    assert (done.rows, done.skipped, open_log(other).size) == (0, 1, size)


def test_one_faulty_row_imports_nothing(two_shops: Shops) -> None:
    one, other = two_shops()
    words = {"type": "refuse", "purpose": "analytics", "channel": "", "day": 1}
    fill(one, [[words], [words]])
    path, _ = exported(one, "a", "jsonl")
    lines = path.read_text().splitlines()
    broken = json.dumps(json.loads(lines[1]) | {"purpose": "unheard-of", "evidence": "secret-7c1f"})
    path.write_text(f"{lines[0]}\n{broken}\n")
    size = open_log(other).size
    with pytest.raises(BadInput, match=r"line 2, purpose: unknown purpose") as caught:
        imported(other, path, "jsonl")
    assert "secret-7c1f" not in str(caught.value)
    assert open_log(other).size == size
