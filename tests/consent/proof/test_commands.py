"""Export, prove, receipt and verify as an operator, an auditor and a person use them."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from imp_consent.ledger.proof import format_proof, parse_consistency, parse_proof
from imp_consent.ledger.receipt import parse_receipt

VERIFIED = ("--verified", "reasonable", "--how", "answered a code")
CommandLine = Any  # the conftest's class: test folders are no packages


@pytest.fixture
def shop(imp_here: CommandLine) -> CommandLine:
    """A workspace with three people's consent, one of whom withdrew."""
    imp_here("init", str(imp_here.workspace), "--controller", "Shop").ok()
    for name in ("ann", "ben", "cid"):
        imp_here("consent", "record", f"member:{name}", "--purpose", "analytics", "--state", "given").ok()
    imp_here("consent", "record", "member:cid", "--purpose", "analytics", "--state", "withdrawn").ok()
    return imp_here


@pytest.fixture
def vkey(shop: CommandLine, tmp_path: Path) -> str:
    """The public key, as an auditor got it from somewhere else."""
    shop("audit", "export", tmp_path / "first").ok()
    shutil.copy(tmp_path / "first" / "log.vkey", tmp_path / "trusted.vkey")
    return str(tmp_path / "trusted.vkey")


@pytest.fixture
def stranger(shop: CommandLine, tmp_path: Path) -> CommandLine:
    """Somebody without workspace and keys."""
    (tmp_path / "elsewhere").mkdir()
    environ = {name: value for name, value in shop.environ.items() if name not in ("IMP_HOME", "IMP_KEYS")}
    return type(shop)(shop.run, tmp_path / "elsewhere", tmp_path / "none", environ)


def test_an_export_is_verified_by_who_has_nothing_else(
    shop: CommandLine, stranger: CommandLine, vkey: str, tmp_path: Path
) -> None:
    pin = tmp_path / "pin"
    pin.write_text(shop("audit", "checkpoint").ok().out, encoding="utf-8")
    text = shop("audit", "export", tmp_path / "out").ok().out
    assert f"how to check it: {tmp_path}/out/README.md" in text
    shop("audit", "verify").ok()
    answer = stranger("audit", "verify", tmp_path / "out", "--vkey", vkey, "--pinned", pin, "--json").ok().json
    assert (answer["ok"], answer["problems"], answer["pinned"], answer["persons_leaves"]) == (True, [], 1, 4)
    text = stranger("audit", "verify", tmp_path / "out", "--vkey", vkey).ok().out
    assert text.endswith("ok: these are exactly the entries that were signed\n")
    assert answer["root"] in text


def test_a_flipped_byte_exits_1_and_is_named(stranger: CommandLine, vkey: str, tmp_path: Path) -> None:
    (name,) = (tmp_path / "first" / "tile" / "entries").rglob("*.p/*")
    data = bytearray(name.read_bytes())
    data[-2] ^= 1
    name.write_bytes(data)
    answer = stranger("audit", "verify", tmp_path / "first", "--vkey", vkey)
    assert answer.code == 1
    assert "NOT OK: 1 problem" in answer.out
    assert f"entries.hash  tile/entries/000.p/{name.name}: the bytes of entry" in answer.out
    (problem,) = stranger("audit", "verify", tmp_path / "first", "--vkey", vkey, "--json").json["problems"]
    assert problem["code"] == "entries.hash"


def test_a_key_without_anything_to_check_and_the_other_way_round(
    stranger: CommandLine, vkey: str, tmp_path: Path
) -> None:
    for arguments, what in (
        ((tmp_path / "first",), "with a public key"),
        (("--vkey", vkey), "for DIR or FILE"),
        ((tmp_path / "absent", "--vkey", vkey), "the export, proof or receipt cannot be read"),
        ((tmp_path / "first", "--vkey", tmp_path / "absent"), "the verifier key cannot be read"),
        ((tmp_path / "first", "--vkey", tmp_path / "first" / "checkpoint"), "line 1"),
    ):
        answer = stranger("audit", "verify", *map(str, arguments))
        assert (answer.code, what in answer.err) == (2, True), answer.err


def test_an_entry_is_proven_to_who_has_nothing_else(
    shop: CommandLine, stranger: CommandLine, vkey: str, tmp_path: Path
) -> None:
    shop("audit", "prove", "3", "--out", tmp_path / "p.tlog-proof").ok()
    answer = stranger("audit", "verify", tmp_path / "p.tlog-proof", "--vkey", vkey, "--json").ok().json
    assert (answer["kind"], answer["index"], answer["statement"]) == ("inclusion", 3, None)
    assert set(json.loads(answer["leaf"])) == {"v", "link", "commit", "day"}
    printed = shop("audit", "prove", "3").ok().out
    assert printed == (tmp_path / "p.tlog-proof").read_text(encoding="utf-8"), "nothing was signed anew"
    assert shop("audit", "prove", "3", "--json").ok().json["proof"] == printed


def test_an_entry_is_proven_to_an_older_checkpoint(
    shop: CommandLine, stranger: CommandLine, vkey: str, tmp_path: Path
) -> None:
    size = shop("audit", "checkpoint", "--json").ok().json["size"]
    shop("consent", "record", "member:dan", "--purpose", "analytics", "--state", "given").ok()
    proven = shop("audit", "prove", "1", "--size", size, "--json").ok().json
    assert (proven["size"], proven["file"]) == (size, None)
    (tmp_path / "p").write_text(proven["proof"], encoding="utf-8")
    assert stranger("audit", "verify", tmp_path / "p", "--vkey", vkey, "--json").ok().json["size"] == size


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("99",), "there is no entry 99"),
        (("1", "2"), "one entry at a time"),
        (("5", "--size", "3"), "not among the first 3"),
        (("5", "--size", "99"), "not signed at 99"),
        (("--consistency", "1", "2", "3"), "takes OLD"),
        (("--consistency", "99"), "does not begin with 99"),
        (("--consistency", "1", "--size", "2"), "takes OLD"),
        (("-1",), ""),
        ((), ""),
    ],
)
def test_what_cannot_be_proven_is_refused(shop: CommandLine, vkey: str, arguments: tuple[str, ...], what: str) -> None:
    answer = shop("audit", "prove", *arguments)
    assert (answer.code, what in answer.err) == (2, True), answer.err


def test_growth_is_proven_against_a_checkpoint_that_was_kept(
    shop: CommandLine, stranger: CommandLine, vkey: str, tmp_path: Path
) -> None:
    old = shop("audit", "checkpoint", "--json").ok().json
    (tmp_path / "pin").write_text(old["note"], encoding="utf-8")
    shop("consent", "record", "member:dan", "--purpose", "analytics", "--state", "given").ok()
    shop("audit", "prove", "--consistency", old["size"], "--out", tmp_path / "c").ok()
    assert parse_consistency((tmp_path / "c").read_bytes()).old == old["size"]
    verified = stranger("audit", "verify", tmp_path / "c", "--vkey", vkey, "--pinned", tmp_path / "pin")
    assert f"ok: the log only grew since it had {old['size']} entries" in verified.ok().out
    assert stranger("audit", "verify", tmp_path / "c", "--vkey", vkey).code == 2, "against what?"
    later = shop("audit", "checkpoint").ok().out
    (tmp_path / "pin").write_text(later, encoding="utf-8")
    answer = stranger("audit", "verify", tmp_path / "c", "--vkey", vkey, "--pinned", tmp_path / "pin")
    assert (answer.code, "it says nothing about it" in answer.err) == (2, True), "a pin of another size is no alarm"
    (tmp_path / "pin").write_text(later.replace("imp.local/", "imp.local/x"), encoding="utf-8")
    answer = stranger("audit", "verify", tmp_path / "c", "--vkey", vkey, "--pinned", tmp_path / "pin")
    assert (answer.code, "are of two logs" in answer.err) == (2, True), "nor is one of another log"
    shop("audit", "export", tmp_path / "whole").ok()
    told = stranger("audit", "verify", tmp_path / "whole", "--vkey", vkey, "--pinned", tmp_path / "pin")
    assert (told.code, "it is of another log than this export" in told.out) == (1, True)
    assert "pinned.origin" in told.out
    assert "pinned.signature" not in told.out


# --- receipts


def test_a_receipt_proves_every_entry_of_a_person_and_what_it_says(
    shop: CommandLine, stranger: CommandLine, vkey: str, tmp_path: Path
) -> None:
    made = shop("consent", "receipt", "member:cid", *VERIFIED, "--out", tmp_path / "r", "--json").ok().json
    assert [(file["type"], file["purpose"]) for file in made["receipts"]] == [
        ("grant", "analytics"),
        ("withdraw", "analytics"),
    ]
    files = sorted(path.name for path in (tmp_path / "r").iterdir())
    assert files == sorted([*(file["name"] for file in made["receipts"]), "log.vkey"])
    assert {(tmp_path / "r" / name).stat().st_mode & 0o777 for name in files} == {0o600}
    assert (tmp_path / "r").stat().st_mode & 0o777 == 0o700
    for file in made["receipts"]:
        answer = stranger("audit", "verify", tmp_path / "r" / file["name"], "--vkey", vkey, "--json").ok().json
        assert (answer["statement"]["type"], answer["index"], answer["size"]) == (
            file["type"],
            file["seq"],
            made["size"],
        )
    text = stranger("audit", "verify", tmp_path / "r" / files[0], "--vkey", vkey).ok().out
    assert text.endswith("ok: this entry is in the log that was signed, and commits to this statement\n")


def test_a_receipt_still_verifies_after_the_person_was_erased(
    shop: CommandLine, stranger: CommandLine, vkey: str, tmp_path: Path
) -> None:
    shop("consent", "receipt", "-", *VERIFIED, "--out", tmp_path / "r", input="member:ann\n").ok()
    (receipt,) = (tmp_path / "r").glob("*.tlog-proof")
    shop("consent", "erase", "member:ann", "--execute").ok()
    assert stranger("audit", "verify", receipt, "--vkey", vkey, "--json").ok().json["statement"]["type"] == "grant"
    shop("audit", "export", tmp_path / "after").ok()
    pinned = stranger("audit", "verify", tmp_path / "after", "--vkey", vkey, "--pinned", receipt, "--json")
    assert pinned.ok().json["pinned"] == 1
    shop("audit", "verify", "--pinned", receipt).ok()
    nothing = shop("consent", "receipt", "member:ann", *VERIFIED)
    assert (nothing.code, "nothing of this person" in nothing.out) == (1, True)


def test_that_somebody_asked_is_noted_but_not_who(shop: CommandLine) -> None:
    made = shop("consent", "receipt", "member:ben", *VERIFIED, "--json").ok().json
    (entry,) = [entry for entry in _system(shop, "access-request") if entry["seq"] == made["access_request"]]
    assert entry["fields"] == {"scope": "receipt"}
    assert made["folder"] is None
    assert "c2sp.org/tlog-proof@v1" in shop("consent", "receipt", "member:ben", *VERIFIED).ok().out


def _system(shop: CommandLine, type_: str) -> list[dict[str, Any]]:
    out = []
    size = shop("audit", "checkpoint", "--json").json["size"]
    for seq in range(size):
        leaf = json.loads(parse_receipt(parse_proof(shop("audit", "prove", str(seq)).out).extra or b"").leaf)
        if leaf.get("type") == type_:
            out.append(leaf | {"seq": seq})
    return out


def test_receipts_of_two_people_do_not_mix(shop: CommandLine, tmp_path: Path) -> None:
    shop("consent", "receipt", "member:ann", *VERIFIED, "--out", tmp_path / "r").ok()
    size = shop("audit", "checkpoint", "--json").json["size"]
    answer = shop("consent", "receipt", "member:ben", *VERIFIED, "--out", tmp_path / "r")
    assert (answer.code, "something already" in answer.err) == (2, True)
    assert shop("consent", "receipt", "nonsense").code == 2
    assert shop("audit", "checkpoint", "--json").json["size"] == size, "nothing was appended"


@pytest.mark.parametrize(
    ("field", "code"),
    [("purpose", "proof.commitment"), ("blind", "proof.commitment"), ("leaf", "proof.inclusion"), (None, "proof.leaf")],
)
def test_a_changed_receipt_is_found(
    shop: CommandLine, stranger: CommandLine, vkey: str, tmp_path: Path, field: str | None, code: str
) -> None:
    (file,) = shop("consent", "receipt", "member:ann", *VERIFIED, "--json").ok().json["receipts"]
    proof = parse_proof(file["proof"])
    document = json.loads(proof.extra or b"")
    if field == "purpose":
        document["statement"]["purpose"] = "ads"
    elif field == "blind":
        document["blind"] = "0" * 64
    elif field == "leaf":
        document["leaf"] = document["leaf"].replace('"day":2', '"day":3')
    else:
        document = {}
    extra = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    changed = type(proof)(index=proof.index, hashes=proof.hashes, checkpoint=proof.checkpoint, extra=extra)
    (tmp_path / "p").write_text(format_proof(changed), encoding="utf-8")
    answer = stranger("audit", "verify", tmp_path / "p", "--vkey", vkey, "--json")
    assert (answer.code, [problem["code"] for problem in answer.json["problems"]]) == (1, [code])


@pytest.mark.parametrize("change", ["index", "hash", "signature", "cut", "no extra"])
def test_a_proof_with_anything_else_changed_is_found(
    shop: CommandLine, stranger: CommandLine, vkey: str, tmp_path: Path, change: str
) -> None:
    text = shop("audit", "prove", "3").ok().out
    lines = text.split("\n")
    if change == "index":
        text = text.replace("\nindex 3\n", "\nindex 4\n")
    elif change == "hash":
        text = text.replace(lines[3], base64.b64encode(bytes(32)).decode())
    elif change == "signature":
        text = text[:-8] + ("A" if text[-8] != "A" else "B") + text[-7:]
    elif change == "cut":
        text = text[:-40]
    else:
        text = "\n".join([lines[0], *lines[2:]])
    (tmp_path / "p").write_text(text, encoding="utf-8")
    answer = stranger("audit", "verify", tmp_path / "p", "--vkey", vkey)
    assert (answer.code, "NOT OK: 1 problem" in answer.out) == (1, True)


def test_a_proof_is_not_held_against_a_pin(stranger: CommandLine, shop: CommandLine, vkey: str, tmp_path: Path) -> None:
    shop("audit", "prove", "3", "--out", tmp_path / "p").ok()
    assert stranger("audit", "verify", tmp_path / "p", "--vkey", vkey, "--pinned", tmp_path / "p").code == 2


def test_a_statement_from_strangers_cannot_write_to_the_terminal(
    shop: CommandLine, stranger: CommandLine, vkey: str, tmp_path: Path
) -> None:
    proof = parse_proof(shop("audit", "prove", "3").ok().out)
    extra = b'{"leaf":"\x7f\xc2\x9b2J\xe2\x80\xae"}'
    changed = type(proof)(index=3, hashes=proof.hashes, checkpoint=proof.checkpoint, extra=extra)
    (tmp_path / "p").write_text(format_proof(changed), encoding="utf-8")
    shown = stranger("audit", "verify", tmp_path / "p", "--vkey", vkey).out
    assert "\\x7f\\x9b2J\\u202e" in shown
    assert all(char.isprintable() or char == "\n" for char in shown)


@pytest.mark.parametrize(
    "words",
    [
        ("receipt", "member:ann"),
        ("receipt", "member:ann", "--format", "27560"),
        ("receipt", "member:ann", "--verified", "contact", "--how", "answered a letter"),
        ("export", "rows.csv", "--format", "csv", "--person", "member:ann"),
    ],
)
def test_r34_nothing_is_told_to_one_person_before_it_is_known_who_asks(shop: CommandLine, words: Any) -> None:
    before = len(_system(shop, "access-request"))
    answer = shop("consent", *words)
    assert (answer.code, answer.out) == (1, "")
    assert "access needs the level reasonable" in answer.err
    assert len(_system(shop, "access-request")) == before
    assert not list(shop.workspace.parent.rglob("rows.csv"))
