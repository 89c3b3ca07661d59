"""Exports and receipts of a log whose signing key was handed over, checked from either key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.audit.export import export
from imp_consent.audit.exported import parse_vkeys, verify, verify_proof
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.checkpoint import Checkpoint, origin_of, sign_checkpoint
from imp_consent.ledger.log import create_log
from imp_consent.ledger.merkle import leaf_hash
from imp_consent.ledger.note import SigningKey
from imp_consent.ledger.proof import InclusionProof, format_proof
from imp_consent.ledger.receipt import Receipt, format_receipt
from imp_consent.ledger.rotate import rotate


@pytest.fixture
def rotated(tmp_path: Path, open_log: Callable[[Path], Any]) -> Any:
    """A log that handed its signing key over twice: the folder, its three keys (oldest first), pins and old secret."""
    keyring = Keyring.create(tmp_path / "keys", "shipped")
    create_log(tmp_path / "ledger.db", keyring, "shipped")
    stolen = SigningKey.from_seed(origin_of("shipped"), keyring.active("sign").secret)
    log = open_log(tmp_path)
    vkeys, pins = [log.verifier_key], []
    for _ in range(2):
        with log.write() as transaction:
            transaction.append_system("import", {"n": 1})
        pins.append(log.checkpoint().note.encode())
        rotate(log, "sign")
        vkeys.append(log.verifier_key)
    with log.write() as transaction:
        transaction.append_system("import", {"n": 2})
    export(log, tmp_path / "export")
    yield tmp_path / "export", vkeys, pins, stolen
    log.close()


@pytest.mark.parametrize("known", [0, 1, 2])
def test_whichever_key_an_auditor_knows_leads_to_the_others(rotated: Any, known: int) -> None:
    folder, vkeys, pins, _ = rotated
    result = verify(folder, vkeys[known], [("first", pins[0]), ("second", pins[1])])
    assert (result.problems, result.pinned) == ((), 2)
    assert result.signed_by == (vkeys[2].split("+")[1],)
    listed = parse_vkeys((folder / "log.vkey").read_bytes())
    assert [key.format() for key in listed] == vkeys[::-1], "newest first"


def test_what_a_key_signs_after_it_was_handed_over_is_not_taken(rotated: Any) -> None:
    folder, vkeys, _, stolen = rotated
    signed = verify(folder, vkeys[0])
    note = sign_checkpoint(Checkpoint(stolen.name, signed.size or 0, bytes.fromhex(signed.root or "")), stolen)
    (folder / "checkpoint").write_text(note, encoding="utf-8")
    assert [problem.code for problem in verify(folder, vkeys[0]).problems] == ["checkpoint.signature"]


def test_a_key_listed_without_a_hand_over_is_named(rotated: Any, signer: SigningKey) -> None:
    folder, vkeys, _, _ = rotated
    with (folder / "log.vkey").open("a", encoding="utf-8") as file:
        file.write(f"{signer.verifier.format()}\n")
    assert [(problem.code, problem.place) for problem in verify(folder, vkeys[0]).problems] == [
        ("vkey.unknown", "log.vkey")
    ]


def test_a_hand_over_of_no_known_form_is_named(tmp_path: Path, signer: SigningKey, write_tiles: Any) -> None:
    leaf = {"v": 1, "type": "key", "at": 1, "actor": "x", "fields": {"handover": "junk"}}
    size, root = write_tiles(tmp_path, [json.dumps(leaf, sort_keys=True, separators=(",", ":")).encode()])
    (tmp_path / "checkpoint").write_text(
        sign_checkpoint(Checkpoint("log.example", size, root), signer), encoding="utf-8"
    )
    (tmp_path / "log.vkey").write_text(signer.verifier.format())
    result = verify(tmp_path, signer.verifier.format())
    assert [problem.code for problem in result.problems] == ["keys.handover"]
    write_tiles(tmp_path, [b'{"type":"key"'])
    assert "entries.leaf" in {problem.code for problem in verify(tmp_path, signer.verifier.format()).problems}


def test_a_proof_is_checked_with_the_key_that_signed_it(signer: SigningKey) -> None:
    note = sign_checkpoint(Checkpoint("log.example", 1, leaf_hash(b"{}")), signer)
    extra = format_receipt(Receipt(leaf=b"{}"))
    data = format_proof(InclusionProof(index=0, hashes=(), checkpoint=note, extra=extra)).encode()
    assert verify_proof("p", data, signer.verifier.format()).ok
    other = SigningKey.from_seed("log.example", bytes(32)).verifier.format()
    assert verify_proof("p", data, f"{other}\n{signer.verifier.format()}").signed_by == (signer.verifier.key_id.hex(),)
    assert [problem.code for problem in verify_proof("p", data, other).problems] == ["checkpoint.signature"]
