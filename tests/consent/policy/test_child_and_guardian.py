"""Where child and guardian agree together, the fold and the slow clerk answer alike, whatever comes in which order."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import product

from imp_consent.ledger.entry import Statement
from imp_consent.policy.scope import Scope
from imp_consent.policy.state import timeline
from tests.consent.policy.slow_fold import Clerk, Line

WORDS: dict[str, dict[str, object]] = {
    "guardian": {"type": "guardian"},
    "own": {"type": "grant"},
    "by": {"type": "grant", "by": "guardian"},
    "no": {"type": "refuse"},
    "their no": {"type": "refuse", "by": "guardian"},
    "basis": {"type": "basis", "basis": "legitimate-interest"},
    "object": {"type": "object", "traits": ("sale",)},
}
# Ages end while more is said: a child's, an older one's, one that asks for a kind of consent.
AGES: dict[str, dict[str, object]] = {
    "child": {"type": "minor", "needs": "guardian", "until": 3},
    "longer": {"type": "minor", "needs": "guardian", "until": 5},
    "together": {"type": "minor", "needs": "both", "until": 4},
    "together for long": {"type": "minor", "needs": "both", "until": 7},
    "older": {"type": "minor", "needs": "own", "until": 5},
    "never": {"type": "minor", "needs": "nobody", "traits": ("sale",), "until": 4},
    "sensitive": {"type": "minor", "needs": "guardian", "consent": "separate", "until": 4},
    "separately": {"type": "grant", "consent": "separate"},
    "while young": {"type": "grant", "by": "guardian", "needs": "guardian"},
    "withdrawn": {"type": "withdraw"},
}
EVERY = {**WORDS, **AGES}


@dataclass(frozen=True)
class Said:
    seq: int
    statement: Statement


def test_child_and_guardian_are_heard_alike_by_the_fold_and_by_the_clerk() -> None:
    opened = set()
    for words in product(WORDS, repeat=5):
        said = [("minor", {"type": "minor", "needs": "both"}), *((word, WORDS[word]) for word in words)]
        facts, lines = [], []
        for seq, (word, more) in enumerate(said):
            fields = {"traits": ("sale",)} if word in ("own", "by", "basis") else {}
            all_ = {"purpose": "ads", "channel": "", **fields, **more}
            facts.append(Said(seq, Statement(at_us=seq, **all_)))  # type: ignore[arg-type]  # its fields by name
            lines.append(Line(seq=seq, at=seq, **all_))  # type: ignore[arg-type]  # as above
        last = timeline(facts, Scope("ads", ""))[-1]
        assert last.reason == Clerk(lines).answer("ads", "", len(said), len(said)).reason, words
        if last.permit:
            opened.add(frozenset(words))
    assert opened
    assert all({"own", "guardian"} <= words for words in opened), "never by one of them alone"


def both(words: tuple[str, ...]) -> tuple[list[Said], list[Line]]:
    """The same words for the fold and for the clerk, one a tick; an age that would be over is not told."""
    facts, lines = [], []
    for at, word in enumerate(words):
        fields = {"traits": ("sale",)} if word in ("own", "by", "basis", "separately", "while young") else {}
        all_: dict[str, object] = {"purpose": "ads", "channel": "", **fields, **EVERY[word]}
        until = all_.pop("until", None)
        if until is None or int(str(until)) > at:
            facts.append(Said(at, Statement(at_us=at, until_us=until, **all_)))  # type: ignore[arg-type]  # by name
            lines.append(Line(seq=at, at=at, until=until, **all_))  # type: ignore[arg-type]  # as above
    return facts, lines


def test_whoever_comes_of_age_is_heard_alike_by_the_fold_and_by_the_clerk_at_every_time() -> None:
    chosen = [*product(EVERY, repeat=3), *(tuple(random.Random(seed).choices([*EVERY], k=6)) for seed in range(8_000))]
    late = 0
    for words in chosen:
        facts, lines = both(words)
        segments, clerk = timeline(facts, Scope("ads", "")), Clerk(lines)
        for at in range(7):
            found = [part.reason for part in segments if part.from_us <= at < part.to_us] or ["no_record"]
            wanted = clerk.answer("ads", "", at, len(words)).reason
            assert found == [wanted], (words, at)
            late += at >= 5 and wanted == "under_age"
    assert late > 100, "yeses that never ripened are among them"


def test_a_use_names_the_childs_own_yes_for_as_long_as_both_of_them_must_agree() -> None:
    said = (
        Statement(type="minor", purpose="ads", channel="", at_us=0, needs="both", until_us=5),
        Statement(type="minor", purpose="ads", channel="", at_us=0, needs="guardian", until_us=9),
        Statement(type="guardian", purpose="ads", channel="", at_us=1),
        Statement(type="grant", purpose="ads", channel="", at_us=2),
        Statement(type="grant", purpose="ads", channel="", at_us=3, by="guardian"),
    )
    segments = timeline([Said(seq, one) for seq, one in enumerate(said)], Scope("ads", ""))
    named = {part.from_us: part.entries for part in segments if part.from_us >= 3}
    assert named == {3: (4, 3, 2), 5: (4, 2), 9: (4,)}, "then the guardian's by their authorisation, then by itself"
