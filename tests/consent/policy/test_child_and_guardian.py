"""Where child and guardian agree together, the fold and the slow clerk answer alike, whatever comes in which order."""

from __future__ import annotations

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
    "basis": {"type": "basis", "basis": "legitimate-interest"},
    "object": {"type": "object", "traits": ("sale",)},
}


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
