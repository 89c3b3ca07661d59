"""The bundle that proves one person's consent offline, and what it keeps to itself."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.audit.exported.bundle import BundleVerification, verify_bundle
from imp_consent.commands.check import check
from imp_consent.commands.notices import show_notice
from imp_consent.commands.proof import Proof, prove_consent
from imp_consent.commands.record import record
from imp_consent.commands.retention import retention
from imp_consent.commands.verify_exported import verify_target
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

ANN = RawId("email", "ann-7c1f@example.com")
KEPT_BACK = ("ann-7c1f", "order 7c1f", "tester", "command line")
Bundle = Callable[..., tuple[Path, Proof]]


@pytest.fixture
def asked(shop: Context) -> Context:
    """A shop where Ann said yes, took it back, and said no to something else."""
    now_us = shop.clock.now_us()
    said = {"purpose": "marketing.email", "channel": "email"}
    record(shop, ANN, **said, state="given", at_us=now_us - 9 * DAY_US, action="click", evidence="order 7c1f")
    record(shop, ANN, **said, state="withdrawn", at_us=now_us - DAY_US)
    record(shop, ANN, purpose="analytics", state="refused")
    return shop


@pytest.fixture
def bundle(asked: Context) -> Bundle:
    """Writes a bundle into a new folder."""

    def make(name: str = "bundle", **more: Any) -> tuple[Path, Proof]:
        folder = asked.directory / name
        return folder, prove_consent(asked, ANN, out=folder, **more)

    return make


def verified(folder: Path) -> BundleVerification:
    return verify_bundle(folder, (folder / "log.vkey").read_text())


def codes(folder: Path) -> set[str]:
    return {problem.code for problem in verified(folder).problems}


def test_r58_a_proof_of_consent_is_checked_offline(bundle: Bundle, tmp_path: Path) -> None:
    folder, made = bundle()
    carried = tmp_path / "elsewhere"
    shutil.copytree(folder, carried)  # to somebody who has neither workspace nor database
    found = verify_target(carried, folder / "log.vkey")
    assert isinstance(found, BundleVerification)
    assert found.ok
    assert not found.key_from_export
    assert found.entries == made.entries
    assert [said["type"] for said in found.statements] == ["grant", "withdraw", "refuse"]
    assert len(found.notices) == 1


def test_r06_the_record_gives_back_the_exact_notice_from_its_hash(asked: Context, bundle: Bundle) -> None:
    folder, _ = bundle(purpose="marketing.email")
    given = verified(folder).statements[0]
    sha256 = str(given["notice"])
    stored = (folder / f"notice-{sha256}.json").read_bytes()
    shown = show_notice(asked, sha256).notice
    assert hashlib.sha256(stored).hexdigest() == sha256
    assert json.loads(stored)["text"] == shown.text
    nodes = json.loads((folder / "receipt.jsonld").read_text())["@graph"]
    notice = next(node for node in nodes if node.get("@type") == "dpv:ConsentNotice")
    assert (notice["dct:description"], notice["dct:language"], notice["imp:sha256"]) == (shown.text, "en", sha256)
    event = next(node for node in nodes if node["@type"] == "dpv:ConsentRecord")["dpv:hasConsentStatus"][0]
    assert event["dpv:isIndicatedAtTime"]["@value"] == "2026-02-20T12:00:00Z"
    assert event["dpv:hasIndicationMethod"] == "click"
    assert event["dpv:hasNotice"]["@id"].endswith(sha256)


def test_r60_what_is_kept_after_withdrawal_proves_and_opens_nothing(asked: Context, bundle: Bundle) -> None:
    folder, _ = bundle(purpose="marketing.email")
    assert verified(folder).ok
    files = {path.name: path.read_text() for path in folder.iterdir()}
    for text in files.values():
        assert [word for word in KEPT_BACK if word in text] == []
    assert set(files) - {name for name in files if name.startswith(("entry-", "notice-"))} == {
        "receipt.jsonld",
        "log.vkey",
    }
    for purpose in ("marketing.email", "analytics", "experimentation", "essential"):
        assert not check(asked, ANN, purpose=purpose, channel="email").permitted


def test_r60_proof_has_a_period_of_its_own(asked: Context, bundle: Bundle) -> None:
    retention(asked, execute=True)  # the schedule's days have not passed since the last permission ended
    folder, _ = bundle("within")
    assert verified(folder).ok
    asked.clock.move_to(asked.clock.now_us() + 31 * DAY_US)  # type: ignore[attr-defined]
    retention(asked, execute=True)
    with pytest.raises(BadInput, match="nothing that could be proved"):
        bundle("after")


def test_a_bundle_about_one_purpose_says_nothing_of_others(bundle: Bundle) -> None:
    folder, made = bundle(purpose="marketing.email")
    assert len(made.entries) == 2
    assert "analytics" not in json.dumps([dict(said) for said in verified(folder).statements])


def test_a_receipt_of_ones_own_bears_the_identifier(bundle: Bundle) -> None:
    folder, made = bundle(named=True)
    assert "email:ann-7c1f@example.com" in made.receipt
    assert verified(folder).ok


def test_the_files_are_their_owners_alone(bundle: Bundle) -> None:
    folder, _ = bundle()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_the_ledger_says_that_it_was_asked_and_not_whose(asked: Context, bundle: Bundle) -> None:
    bundle()
    with open_log(asked).read() as reader:
        entries = list(reader.system_entries("access-request"))
    assert [dict(entry.fields) for entry in entries] == [{"scope": "proof"}]


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_changed_notice_is_named(bundle: Bundle) -> None:
    folder, _ = bundle()
    _edit(next(folder.glob("notice-*")), "Shop Ltd", "Shop GmbH")
    assert codes(folder) == {"bundle.notice"}


def test_a_missing_notice_is_named(bundle: Bundle) -> None:
    folder, _ = bundle()
    next(folder.glob("notice-*")).unlink()
    assert codes(folder) == {"bundle.notice"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"dpv:ConsentWithdrawn"', '"dpv:ConsentRefused"'),
        ("2026-02-20T12:00:00Z", "2026-02-19T12:00:00Z"),
        ('"dct:identifier":"analytics"', '"dct:identifier":"marketing"'),
        ('"@type":"dpv:ConsentRecord"', '"@type":"dpv:ConsentNotice"'),
        ("]}", ""),
    ],
)
def test_a_record_that_says_something_else_is_named(bundle: Bundle, old: str, new: str) -> None:
    folder, _ = bundle()
    _edit(folder / "receipt.jsonld", old, new)
    assert codes(folder) == {"bundle.record"}


def test_a_proof_left_out_shows_against_the_record(bundle: Bundle) -> None:
    folder, _ = bundle()
    sorted(folder.glob("*.tlog-proof"))[1].unlink()
    assert codes(folder) == {"bundle.record"}


def test_a_forged_proof_is_named(bundle: Bundle) -> None:
    folder, _ = bundle()
    _edit(sorted(folder.glob("*.tlog-proof"))[0], "index ", "index 1")
    assert any(code.startswith("proof.") for code in codes(folder))


def test_proofs_of_several_checkpoints_are_no_bundle(asked: Context, bundle: Bundle) -> None:
    folder, _ = bundle("one")
    record(asked, RawId("member", "2"), purpose="analytics", state="refused")
    other, _ = bundle("two")
    name = sorted(path.name for path in folder.glob("*.tlog-proof"))[0]
    (folder / name).write_bytes((other / name).read_bytes())
    assert codes(folder) == {"bundle.checkpoints"}


def test_nobody_is_proved_who_is_not_known(asked: Context) -> None:
    folder = asked.directory / "nobody"
    with pytest.raises(BadInput, match="nothing that could be proved"):
        prove_consent(asked, RawId("member", "unheard-of"), out=folder)
    assert not folder.exists()
