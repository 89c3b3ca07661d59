"""A short run of the fuzz campaign, and of whole exports harmed at random."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from imp_consent.audit.exported import verify, verify_proof
from imp_consent.ledger.checkpoint import Checkpoint, sign_checkpoint
from imp_consent.ledger.encoding import encode
from imp_consent.ledger.handover import format_handover
from imp_consent.ledger.note import SigningKey
from imp_consent.ledger.proof import InclusionProof, format_proof
from imp_core.ports import SystemEntry

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


# Sound JSON where something else is expected: what hands that hold the signing key may have put there.
ODD = [None, True, -1, 2**53 - 1, "", "x", "0" * 64, [], [1], ["x"], [[]], {}, {"x": {}}, {"fields": []}]
NAMES = ["type", "at", "actor", "fields", "v", "link", "commit", "day"]
SAID = ["purpose", "action", "id", "previous", "handover", "old", "new", "epoch"]


def odd_leaf(chance: Random, sound: list[SystemEntry]) -> bytes:
    """The leaf of an entry with one or two of its values, or of its fields' values, exchanged for odd ones."""
    entry = chance.choice(sound)
    fields: Any = dict(entry.fields)
    if chance.random() < 0.6:
        for name in chance.sample([*fields, *SAID], 2):
            fields[name] = chance.choice(ODD)
    leaf: Any = {"v": 1, "type": entry.type, "at": entry.at_us, "actor": entry.actor, "fields": fields}
    if fields == entry.fields:
        leaf[chance.choice(NAMES)] = chance.choice(ODD)
        leaf.pop(chance.choice(NAMES), None)
    return encode(leaf)


def test_a_signed_export_of_entries_of_any_types_is_answered(
    tmp_path: Path, signer: SigningKey, write_tiles: Any
) -> None:
    chance, heir = Random(20260302), SigningKey.from_seed(signer.name, bytes(32))
    told = {"purpose": "sign", "action": "rotate", "handover": format_handover(signer, heir, seq=1)}
    sound = [SystemEntry(seq=1, type=type_, at_us=1, actor="x", fields=told) for type_ in ("key", "key", "import")]
    answers: Counter[str] = Counter()
    for _ in range(400):
        leaves = [encode(chance.choice(ODD)), *(odd_leaf(chance, sound) for _ in range(3))]
        if chance.random() < 0.1:
            leaves[2] = b'{"fields":[],"type":"key"'
        size, root = write_tiles(tmp_path, leaves)
        note = sign_checkpoint(Checkpoint(signer.name, size, root), signer, heir)
        (tmp_path / "checkpoint").write_text(note, encoding="utf-8")
        (tmp_path / "log.vkey").write_text(heir.verifier.format())
        found = verify(tmp_path, f"{signer.verifier.format()}\n{heir.verifier.format()}", [("pin", note.encode())])
        answers.update({problem.code for problem in found.problems} or {"ok"})
    assert min(answers["keys.handover"], answers["entries.leaf"]) > 20, answers


def test_a_receipt_with_sound_json_of_any_type_or_length_is_answered(signer: SigningKey) -> None:
    leaf = encode({"commit": "0" * 64, "day": 1, "link": "0" * 64, "v": 1}).decode()
    note = sign_checkpoint(Checkpoint(signer.name, 1, bytes(32)), signer)
    long: list[Any] = ["x" * 5_000, {"x": "x" * 5_000}, {"x": ["x" * 3_000] * 3}, {"x": "x" * 4_000}]
    for name in ("leaf", "blind", "statement"):
        for odd in [*ODD, *long]:
            document: Any = {"leaf": leaf, "blind": "0" * 64, "statement": {"x": 1}} | {name: odd}
            extra = encode(document, limit=40_000)
            proof = format_proof(InclusionProof(index=0, hashes=(), checkpoint=note, extra=extra))
            assert not verify_proof("p", proof.encode(), signer.verifier.format()).ok


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
