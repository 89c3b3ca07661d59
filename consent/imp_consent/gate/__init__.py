"""The gate: may this person's data be used so, at this event time, as known at this ledger size?

Three forms give one answer: `ConsentGate.decide` for one use, `decide_many` for intake's chunks, and the set form on
DuckDB for the view. The latter is imported from where it is (`imp_consent.gate.frames`, `stage`): a question about one
person needs no Arrow. All read `consent_state`, whose rows are checked against their MACs, and none of them is a hook.
Their agreement with the entries themselves is tested against a fold that shares no code with them
(`tests/consent/policy/slow_fold.py`).
"""

from imp_consent.gate.asked_anew import asked_anew
from imp_consent.gate.exceptions import denied_channels, denied_on_channels, permitted_channels
from imp_consent.gate.many import Decisions, Memory, decide_many
from imp_consent.gate.point import ConsentGate, decide_in, known_at

__all__ = [
    "ConsentGate",
    "Decisions",
    "Memory",
    "asked_anew",
    "decide_in",
    "decide_many",
    "denied_channels",
    "denied_on_channels",
    "known_at",
    "permitted_channels",
]
