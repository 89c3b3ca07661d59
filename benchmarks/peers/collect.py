"""Asks every peer and writes tests/vectors/stats: what the peers say, and nothing of what IMP says.

Each peer has an environment of its own (its script's docstring says how it is made) in one folder. Four minutes:

python3 benchmarks/peers/collect.py ENVIRONMENTS tests/vectors/stats
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

# topic → the peers' environments, in the file's order; each has a script NAME_vectors.py
TOPICS = {
    "means": ("scipy", "gbstats", "tea", "spotify"),
    "ratios": ("gbstats", "tea"),
    "adjusted": ("scipy", "gbstats", "tea"),
    "bayes": ("gbstats", "mpmath"),
    "noninferior": ("spotify",),
    "multiplicity": ("scipy", "mpmath"),
}
# printed digits, each checked against the two computations above: variants, df, sides, critical value
PUBLISHED = (
    ("Dunnett 1955, J. Amer. Statist. Assoc. 50, table 1a (one-sided, joint 95 %)", 2, None, 1, 1.92),
    ("Dunnett 1955, J. Amer. Statist. Assoc. 50, table 1a (one-sided, joint 95 %)", 3, None, 1, 2.06),
    ("Dunnett 1955, J. Amer. Statist. Assoc. 50, table 1a (one-sided, joint 95 %)", 3, 10.0, 1, 2.34),
    ("Dunnett 1964, Biometrics 20, 482-491, table II (two-sided, joint 95 %)", 2, 10.0, 2, 2.57),
    ("Dunnett 1964, Biometrics 20, 482-491, table II (two-sided, joint 95 %)", 3, 10.0, 2, 2.76),
    ("Dunnett 1964, Biometrics 20, 482-491, table II (two-sided, joint 95 %)", 2, None, 2, 2.21),
    ("Dunnett 1964, Biometrics 20, 482-491, table II (two-sided, joint 95 %)", 3, None, 2, 2.35),
)


def ask(environments: Path, peer: str, topic: str) -> list[dict[str, Any]]:
    """One peer's cases of one topic."""
    script = Path(__file__).with_name(f"{peer}_vectors.py")
    python = environments / peer / "bin" / "python"
    done = subprocess.run([python, script, topic], capture_output=True, text=True, check=True)
    cases: list[dict[str, Any]] = json.loads(done.stdout)
    return cases


def published() -> list[dict[str, Any]]:
    """The printed critical values of comparisons with one control."""
    return [
        {
            "id": f"dunnett-{m}-{df}-{sides}",
            "source": source,
            "input": {
                "correlation": [[1.0 if i == j else 0.5 for j in range(m)] for i in range(m)],
                "df": df,
                "sides": sides,
                "alpha": 0.05,
            },
            "expected": {"critical": critical},
            "tolerance": 0.0051,
            "note": "printed with two digits",
        }
        for source, m, df, sides, critical in PUBLISHED
    ]


def main(environments: Path, folder: Path) -> None:
    """Write one file a topic."""
    for topic, peers in TOPICS.items():
        cases = [case for peer in peers for case in ask(environments, peer, topic)]
        if topic == "multiplicity":
            cases += published()
        assert len({case["id"] for case in cases}) == len(cases)
        text = json.dumps(cases, indent=1, ensure_ascii=False, allow_nan=False)
        (folder / f"{topic}.json").write_text(text + "\n", encoding="utf-8")
        print(f"{topic}: {len(cases)} cases")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
