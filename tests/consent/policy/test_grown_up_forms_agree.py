"""Where an age that was wrong is corrected, every form of the gate ends a guardian's yes as the clerk does."""

from __future__ import annotations

import duckdb

from imp_consent.gate import decide_in, decide_many
from imp_consent.gate.frames import PASSING_SQL, rectangles
from imp_consent.gate.stage import not_covered, stage
from imp_consent.ledger.entry import Statement
from imp_core.gate import Action, Use
from tests.consent.policy.test_forms_agree import Trial, register, settle

ALL = {"purpose": "*", "channel": ""}
TIED = {"purpose": "ads", "channel": "", "by": "guardian", "needs": "guardian"}
# An age until 10 under which a guardian says yes; it was wrong, and the right one ends at 5. Entries 0 to 4.
GROWN = [
    (0, Statement(type="minor", at_us=0, until_us=10, needs="guardian", **ALL)),  # type: ignore[arg-type]  # by name
    (0, Statement(type="guardian", at_us=1, **ALL)),  # type: ignore[arg-type]  # as above
    (0, Statement(type="grant", at_us=2, until_us=10, **TIED)),  # type: ignore[arg-type]  # as above
    (0, Statement(type="correction", at_us=8, corrects=0, **ALL)),  # type: ignore[arg-type]  # as above
    (0, Statement(type="minor", at_us=1, until_us=5, needs="guardian", **ALL)),  # type: ignore[arg-type]  # as above
]
TIMES = range(13)


def test_point_rows_and_set_end_a_guardians_yes_by_the_age_that_is_right_as_the_clerk_does(trial: Trial) -> None:
    with trial() as transaction, duckdb.connect() as connection:
        town = settle(transaction, GROWN)
        subject, clerk, n = town.subjects[0], town.clerks[0], town.size
        use = Use(purpose="ads", action=Action.COLLECT, subject=subject, channel=None)
        right = {known: [clerk.answer("ads", "", at, known).reason for at in TIMES] for known in range(n - 5, n + 1)}
        assert (right[n - 2][4:11], right[n][4:6]) == (["given"] * 6 + ["expired"], ["given", "expired"])
        for known, reasons in right.items():
            assert [decide_in(transaction, use, at_us=at, known_at=known).reason for at in TIMES] == reasons
            rows = decide_many(transaction, [subject] * 3, [3, 3, 3], purpose="ads", channel=None, now_us=4, size=known)
            assert set(rows.reasons) == {max(reasons[3:5], key=lambda reason: reason != "given")}
        rows = decide_many(transaction, [subject] * len(TIMES), [*TIMES], purpose="ads", channel=None, now_us=4, size=n)
        assert list(rows.permitted) == [reason == "given" for reason in right[n]]
        register(connection, town, [(0, at, n - town.first) for at in TIMES])
        stage(
            connection,
            rectangles(transaction, "ads", None, size=n),
            read_us=4,
            n=n,
            explain=lambda subjects: not_covered(transaction, "ads", subjects, connection, size=n),
        )
        passing = connection.execute(f"SELECT row FROM ({PASSING_SQL})").fetchall()
    assert sorted(row for (row,) in passing) == [at for at in TIMES if right[n][at] == "given"] == [2, 3, 4]
