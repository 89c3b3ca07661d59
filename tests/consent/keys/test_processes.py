"""One process changes keys while another appends: neither loses anything, nor writes under a key that is gone."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.rotate import rotate
from imp_consent.ledger.wrap import wrap

ROUNDS = 3
WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from imp_consent.identity.keys import Keyring
    from imp_consent.ledger.entry import Statement
    from imp_consent.ledger.log import Log
    from imp_consent.policy.project import project
    from imp_core.clock import SystemClock
    from imp_core.event import RawId
    from imp_core.randomness import SystemRandomness

    folder = Path(sys.argv[1])
    log = Log(folder / "ledger.db", Keyring.open(folder / "keys", "keyed"), log_id="keyed", clock=SystemClock(),
              randomness=SystemRandomness(), actor="writer", projection=project)
    grant = Statement(type="grant", purpose="analytics", channel="", at_us=5)
    number = 0
    while not (folder / "enough").exists():
        with log.write() as transaction:
            seq = transaction.append_person(transaction.subject_for(RawId("member", f"w{number % 7}")), grant, {})
        print(seq, flush=True)
        number += 1
    log.close()
    """
)


def test_one_process_changes_keys_while_another_appends(ledger: Any) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(ledger.folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    acknowledged = [int(writer.stdout.readline())]
    log = ledger.open()
    changed: list[int] = []
    for _ in range(ROUNDS):
        for purpose in ("pepper", "kek", "row", "sign"):
            changed.append(rotate(log, purpose).seq)
            acknowledged.append(int(writer.stdout.readline()))  # it goes on
        changed += [wrap(log, "pepper").seq, wrap(log, "supp").seq]
    (ledger.folder / "enough").touch()
    acknowledged += [int(line) for line in writer.stdout]
    _, error = writer.communicate(timeout=60)
    assert (writer.returncode, error) == (0, "")
    late = ledger.open()
    assert len(set(acknowledged) | set(changed)) == len(acknowledged) + len(changed)
    assert sorted([*range(5), *acknowledged, *changed]) == list(range(late.size))
    assert Keyring.open(ledger.keys, "keyed").settled
    assert [permitted for _, permitted in ledger.answers(late)] == [True, False, False, True, False]
