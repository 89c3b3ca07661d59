"""What an opened use hands out beside the rows that pass, in SQL on the connection where the gate was put."""

from __future__ import annotations

from typing import Final

from imp_consent.gate.frames import PASSING_SQL, REFUSED_SQL
from imp_consent.policy.decide import Reason

__all__ = ["CLOSED_SQL", "HALF_UNITS_SQL", "OF_UNITS", "PERMITTED_TIMES_SQL", "REFUSED_UNITS_SQL"]

# What of the archive says which unit of which experiment a row is about.
OF_UNITS: Final = ("type", "experiment", "phase", "variant")
# A unit is in or out whole: where a person's first exposure of an experiment does not pass, no later one does, else
# the unit would be counted from the middle of its story (a late grant, a withdrawal and a new grant).
HALF_UNITS_SQL: Final = (
    "UPDATE consent_tested t SET permitted = false, decided = h.decided FROM ("
    "SELECT subject, experiment, COALESCE(phase, 1) AS phase,"
    " arg_min(decided, event_us) FILTER (WHERE NOT permitted) AS decided"
    " FROM consent_tested WHERE type = 'exposure' GROUP BY subject, experiment, COALESCE(phase, 1)"
    " HAVING min(event_us) FILTER (WHERE NOT permitted) <= min(event_us) FILTER (WHERE permitted)"
    ") h WHERE t.type = 'exposure' AND h.subject = t.subject AND h.experiment = t.experiment"
    " AND h.phase = COALESCE(t.phase, 1)"
)
REFUSED_UNITS_SQL: Final = (
    "SELECT type, experiment, phase, variant, decided AS reason, count(DISTINCT subject) AS subjects"  # noqa: S608 (the gate's own text)
    f" FROM ({REFUSED_SQL}) GROUP BY ALL"
)
# The closed rectangles of those who are among the rows that pass. The few of them are looked for among the many rows,
# not the other way about. Where nothing was said about the purpose, nothing ended.
CLOSED_SQL: Final = (
    "WITH ended AS (SELECT subject, from_us, to_us, from_seq, to_seq, reason FROM consent_rectangle"  # noqa: S608 (the gate's own text)
    f" WHERE NOT permit AND reason <> '{Reason.PURPOSE_NOT_COVERED}'),"
    f" shown AS (SELECT DISTINCT p.subject FROM ({PASSING_SQL}) p SEMI JOIN ended e ON e.subject = p.subject)"
    " SELECT e.* FROM ended e SEMI JOIN shown s ON s.subject = e.subject"
)
# When the gate is open for those who are among the rows that pass.
PERMITTED_TIMES_SQL: Final = (
    "SELECT subject, from_us, to_us, from_seq, to_seq FROM consent_rectangle r SEMI JOIN"  # noqa: S608 (the gate's own text)
    f" ({PASSING_SQL}) p ON p.subject = r.subject WHERE r.permit"
)
