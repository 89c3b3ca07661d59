"""A short run of the fuzz campaign, and of whole exports harmed at random."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

Shipped = Any  # the conftest's class: test folders are no packages


def test_nothing_but_our_error_comes_out_of_any_parser(project_folder: Path) -> None:
    words = [sys.executable, "-m", "benchmarks.campaign.fuzz", "--inputs", "5000", "--json"]
    done = subprocess.run(words, cwd=project_folder, capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["problems"]) == (0, [])
    outcomes = {name: count for name, count in answer["counts"].items() if ": " in name}
    assert sum(outcomes.values()) == 5000
    assert sum(count for name, count in outcomes.items() if name.endswith(": taken")) > 50, "some are still sound"


def test_whatever_is_done_to_an_export_is_found_and_breaks_nothing(pristine: Shipped, tmp_path: Path) -> None:
    chance = Random(20260301)
    names = sorted(str(path.relative_to(pristine.folder)) for path in pristine.folder.rglob("*") if path.is_file())
    names.remove("README.md")  # words, which nobody signed
    copy = pristine.copy(tmp_path / "export")
    missed = []
    for number in range(300):
        name = chance.choice(names)
        path = copy.folder / name
        sound = path.read_bytes()
        harmed = _harm(chance, sound)
        path.write_bytes(harmed)
        if copy.verify().ok and (harmed != sound) and not (name == "log.vkey" and harmed.strip() == sound.strip()):
            missed.append((number, name))
        path.write_bytes(sound)
    assert missed == []
    assert copy.verify().ok
    shutil.rmtree(copy.folder)


def _harm(chance: Random, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    harm = chance.randrange(4)
    if harm == 0:
        return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]
    if harm == 1:
        return data[:at] + data[at + chance.randint(1, 64) :]
    if harm == 2:
        return data[:at] + chance.randbytes(chance.randint(1, 64)) + data[at:]
    return data[:at] + chance.randbytes(len(data) - at)
