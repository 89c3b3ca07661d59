"""Exports and receipts of a log whose signing key was handed over, checked from either key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imp_consent.audit.export import export
from imp_consent.audit.exported import parse_vkeys, verify, verify_proof
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.checkpoint import Checkpoint, origin_of, sign_checkpoint
from imp_consent.ledger.entry import format_system_leaf
from imp_consent.ledger.handover import format_handover
from imp_consent.ledger.log import Log, create_log
from imp_consent.ledger.merkle import leaf_hash, prove_inclusion, root_of
from imp_consent.ledger.note import SigningKey
from imp_consent.ledger.proof import InclusionProof, format_proof
from imp_consent.ledger.receipt import Receipt, format_receipt
from imp_consent.ledger.rotate import rotate
from imp_core.errors import BadInput

VERIFIED = ("--verified", "reasonable", "--how", "answered a code")


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


@pytest.fixture
def log_of(rotated: Any, open_log: Callable[[Path], Any]) -> Iterator[Log]:
    """The log of `rotated`."""
    log = open_log(rotated[0].parent)
    yield log
    log.close()


@pytest.mark.parametrize("known", [0, 1, 2])
def test_whichever_key_an_auditor_knows_leads_to_the_others(rotated: Any, known: int) -> None:
    folder, vkeys, pins, _ = rotated
    result = verify(folder, vkeys[known], [("first", pins[0]), ("second", pins[1])])
    assert (result.problems, result.pinned) == ((), 2)
    assert result.signed_by == (vkeys[2].split("+")[1],)


def test_only_the_key_in_use_is_listed_without_a_limit(rotated: Any) -> None:
    folder, vkeys, _, _ = rotated
    assert (folder / "log.vkey").read_text() == f"{vkeys[2]}\n"
    retired = parse_vkeys((folder / "log.vkey.retired").read_bytes())
    assert [(span.key.format(), span.until_size) for span in retired] == [(vkeys[1], 3), (vkeys[0], 1)]
    both = (folder / "log.vkey").read_text() + (folder / "log.vkey.retired").read_text()
    assert verify(folder, both).ok
    assert verify(folder, "\n".join(vkeys)).ok, "the log says until when"


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("log.vkey", "{2}\n{0}\n", "vkey.listed"),
        ("log.vkey", "{1}\n", "vkey.listed"),
        ("log.vkey", "{2} 9\n", "vkey.listed"),
        ("log.vkey.retired", "{1} 3\n", "vkey.retired"),
        ("log.vkey.retired", "{1} 3\n{0} 2\n", "vkey.retired"),
        ("log.vkey.retired", "{1} 3\n{0}\n", "vkey.retired"),
        ("log.vkey.retired", "{1} x\n", "vkey.malformed"),
        ("log.vkey.retired", None, "vkey.retired.missing"),
    ],
)
def test_keys_listed_otherwise_than_the_log_hands_them_over_are_named(
    rotated: Any, name: str, text: str | None, code: str
) -> None:
    folder, vkeys, _, _ = rotated
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text.format(*vkeys), encoding="utf-8")
    assert [(problem.code, problem.place) for problem in verify(folder, vkeys[0]).problems] == [(code, name)]


def test_a_list_of_retired_keys_beside_a_log_that_never_changed_its_key_is_a_stray(
    pristine: Any, tmp_path: Path
) -> None:
    copy = pristine.copy(tmp_path / "copy")
    (copy.folder / "log.vkey.retired").write_text(copy.vkey)
    assert copy.found() == {("export.stray", "log.vkey.retired")}


@pytest.fixture
def fork(tmp_path: Path, write_tiles: Any) -> Callable[..., tuple[Path, str]]:
    """Another history of the same name: a hand-over from `thief` to `heir` at entry 3 or none; signed by `by`."""

    def write(thief: SigningKey, heir: SigningKey | None, by: SigningKey) -> tuple[Path, str]:
        leaves = [format_system_leaf("import", at_us=n, actor="x", fields={}) for n in range(20)]
        if heir is not None:
            fields = {"purpose": "sign", "action": "rotate", "handover": format_handover(thief, heir, seq=3)}
            leaves[3] = format_system_leaf("key", at_us=3, actor="x", fields=fields)
        size, root = write_tiles(tmp_path / "fork", leaves)
        note = sign_checkpoint(Checkpoint(thief.name, size, root), by)
        (tmp_path / "fork" / "checkpoint").write_text(note, encoding="utf-8")
        (tmp_path / "fork" / "log.vkey").write_text(f"{by.verifier.format()}\n")
        retired = f"{thief.verifier.format()} 3\n"
        if heir is not None:
            (tmp_path / "fork" / "log.vkey.retired").write_text(retired)
        extra = format_receipt(Receipt(leaf=leaves[7]))
        hashes = tuple(prove_inclusion(_subtrees([leaf_hash(leaf) for leaf in leaves]), 7, size))
        return tmp_path / "fork", format_proof(InclusionProof(index=7, hashes=hashes, checkpoint=note, extra=extra))

    return write


def _subtrees(hashes: list[bytes]) -> Callable[[int, int], bytes]:
    return lambda start, stop: root_of(hashes[start:stop])


@pytest.mark.parametrize("hands_over", [False, True])
def test_another_history_by_the_thief_of_a_retired_key_is_refused_by_whoever_knows_a_newer_one(
    rotated: Any, fork: Callable[..., tuple[Path, str]], hands_over: bool
) -> None:
    folder, vkeys, pins, stolen = rotated
    evil = SigningKey.from_seed(stolen.name, bytes(32))
    forged, proof = fork(stolen, evil if hands_over else None, evil if hands_over else stolen)
    for known in ([0, 1], [0, 2], [0, 1, 2]):
        result = verify(forged, "\n".join(vkeys[n] for n in known))
        first = result.problems[0]
        assert (result.ok, first.code) == (False, "keys.handover")
        assert all(vkeys[n].split("+")[1] in first.sentence for n in known if n)
    for known in (1, 2):
        assert not verify(forged, vkeys[known]).ok
    limited = (folder / "log.vkey").read_text() + (folder / "log.vkey.retired").read_text()
    assert not verify(forged, limited).ok
    assert [problem.code for problem in verify_proof("p", proof.encode(), limited).problems] == ["checkpoint.signature"]
    with pytest.raises(BadInput, match="3 verifier keys of one log"):
        verify_proof("p", proof.encode(), "\n".join(vkeys))
    # whoever knows the stolen key alone has nothing but a pin
    assert verify(forged, vkeys[0]).ok
    assert [problem.code for problem in verify(forged, vkeys[0], [("pin", pins[0])]).problems] == [
        "pinned.contradicted"
    ]


def test_a_proof_to_an_older_checkpoint_is_checked_with_the_limits_of_older_keys(rotated: Any, log_of: Any) -> None:
    folder, vkeys, _, _ = rotated
    with log_of.read() as reader:
        note = reader.sql.execute("SELECT note FROM checkpoint WHERE size = 1").fetchone()[0]
        leaf = reader.sql.execute("SELECT leaf FROM entry WHERE seq = 0").fetchone()[0]
        hashes = tuple(reader.prove_inclusion(0, 1))
    extra = format_receipt(Receipt(leaf=leaf))
    proof = format_proof(InclusionProof(index=0, hashes=hashes, checkpoint=note, extra=extra)).encode()
    newest = (folder / "log.vkey").read_text()
    assert not verify_proof("p", proof, newest).ok
    assert verify_proof("p", proof, newest + (folder / "log.vkey.retired").read_text()).ok
    assert not verify_proof("p", proof, f"{newest}{vkeys[0]} 0").ok


@pytest.mark.parametrize("what", ["export", "receipt"])
def test_keys_that_change_while_it_is_made_are_those_of_its_checkpoint(
    tmp_path: Path, imp_here: Any, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    imp_here("init", str(imp_here.workspace), "--controller", "Shop").ok()
    imp_here("consent", "record", "member:ann", "--purpose", "analytics", "--state", "given").ok()
    imp_here("audit", "export", tmp_path / "before").ok()
    sign, once = Log.checkpoint, [True]

    def rotated_after(log: Log, **options: Any) -> Any:
        info = sign(log, **options)
        if once:
            once.clear()
            imp_here("keys", "rotate", "sign", "--execute").ok()
        return info

    monkeypatch.setattr(Log, "checkpoint", rotated_after)
    words = ["audit", "export"] if what == "export" else ["consent", "receipt", "member:ann", *VERIFIED, "--out"]
    imp_here(*words, tmp_path / "out").ok()
    assert not once
    assert (tmp_path / "out" / "log.vkey").read_bytes() == (tmp_path / "before" / "log.vkey").read_bytes()
    assert not (tmp_path / "out" / "log.vkey.retired").exists()
    target = tmp_path / "out" if what == "export" else next((tmp_path / "out").glob("*.tlog-proof"))
    for key in ("before", "out"):
        imp_here("audit", "verify", target, "--vkey", tmp_path / key / "log.vkey").ok()
    imp_here(*words, tmp_path / "after").ok()
    assert (
        (tmp_path / "after" / "log.vkey.retired")
        .read_text()
        .startswith((tmp_path / "out" / "log.vkey").read_text().strip() + " ")
    )
    imp_here("audit", "verify").ok()


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
    assert verify_proof("p", data, f"{other} 0\n{signer.verifier.format()}").signed_by == (
        signer.verifier.key_id.hex(),
    )
    assert [problem.code for problem in verify_proof("p", data, other).problems] == ["checkpoint.signature"]
