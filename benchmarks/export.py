"""How long an auditor's check of a whole export takes, and how much memory: people's leaves, one checkpoint.

python -m benchmarks.export [--entries 1000000] [--json]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from imp_consent.audit.exported import verify
from imp_consent.ledger.checkpoint import Checkpoint, sign_checkpoint
from imp_consent.ledger.entry import person_leaf
from imp_consent.ledger.note import SigningKey
from imp_consent.ledger.tile import TileStream, format_tile_path

_KEY = SigningKey.from_seed("log.example", bytes(range(32)))
_RUNS = 3


def main() -> int:
    """Write an export, verify it three times, print the best; 1 where it does not verify."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        began = time.perf_counter()
        _write(Path(name), chosen.entries)
        written = time.perf_counter() - began
        runs = []
        for _ in range(_RUNS):
            began = time.perf_counter()
            result = verify(Path(name), _KEY.verifier.format())
            runs.append(time.perf_counter() - began)
    # KiB on Linux, bytes on macOS
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    figures = {
        "entries": chosen.entries,
        "files": result.files,
        "written, s": round(written, 2),
        "verified, s": round(min(runs), 2),
        "peak memory, MiB": round(peak),
        "ok": result.ok,
    }
    print(json.dumps(figures) if chosen.json else "\n".join(f"{key:<18} {value}" for key, value in figures.items()))
    return 0 if result.ok else 1


def _write(folder: Path, entries: int) -> None:
    stream = TileStream()

    def leaves() -> Iterator[bytes]:
        for number in range(entries):
            link = hashlib.sha256(b"%d" % number).digest()
            yield person_leaf(link=link, commit=link[::-1], day=20_000)

    for part in (stream.extend(leaves()), stream.finish()):
        for tile, data in part:
            path = folder / format_tile_path(tile)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    note = sign_checkpoint(Checkpoint(_KEY.name, entries, stream.frontier.root()), _KEY)
    (folder / "checkpoint").write_text(note, encoding="utf-8")
    (folder / "log.vkey").write_text(f"{_KEY.verifier.format()}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
