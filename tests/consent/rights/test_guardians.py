"""A guardian's own rights: their authorisations are in their copy, and their erasure takes them out of others' entries.

What stays is the child's record: the gate answers as before.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from imp_consent.audit.verify import verify
from imp_consent.ledger.reader import Reader
from imp_consent.runtime import open_keyring, open_log
from imp_core.clock import SECOND_US, SimulatedClock
from imp_core.context import Context
from imp_core.event import RawId

Line = Any
KIM, LEA = "member:kim", "member:lea"
ANN = "email:ann@example.com"  # known here, with a consent of her own
GRAN = "phone:+33612345678"  # known to nobody
VERIFIED = ("--verified", "reasonable", "--how", "answered a code")
TOLD = ("mother Ann Smith", "passport C01X of Ann Smith", "scan-0815")
WORDS = ("--role", TOLD[0], "--verification", TOLD[1], "--evidence", TOLD[2], "--purpose", "analytics")


def _records(opened: Context, child: str) -> str:
    """A child's entries as the ledger holds them, every word of them."""
    with open_log(opened).read() as reader:
        return json.dumps([dict(entry.payload) for entry in reader.history(_found(reader, child))], ensure_ascii=False)


def _found(reader: Reader, word: str) -> int:
    subject = reader.find_subject(RawId.parse(word))
    assert subject is not None
    return subject


def _plain(page: str) -> str:
    """A page without its tags."""
    return re.sub(r"<[^>]*>", "", page)


def _answer(line: Line, child: str) -> tuple[str, list[int]]:
    answer = line("consent", "check", child, "--purpose", "analytics", "--json").json
    return answer["reason"], answer["entries"]


def _leads(records: str) -> list[str]:
    """Whatever in a record leads to its guardian."""
    entries = [entry for entry in json.loads(records) if entry["type"] == "guardian"]
    assert entries
    assert all(len(entry["guardian"]) == 32 or entry["guardian"] == "erased" for entry in entries)
    named = ("guardian_key", "guardian_token", "guardian_token_key", "evidence")
    left = [name for entry in entries for name in named if entry.get(name)]
    left += ["guardian" for entry in entries if entry["guardian"] != "erased"]
    return left + [word for word in TOLD if word in records]


@pytest.mark.parametrize(("child", "guardian"), [(KIM, ANN), (LEA, GRAN)])
def test_r29_after_a_guardians_erasure_nothing_in_a_childs_entries_leads_to_them_and_the_gate_answers_as_before(
    family: Line, opened: Context, child: str, guardian: str
) -> None:
    before, other = _answer(family, child), LEA if child == KIM else KIM
    assert before[0] == "given"
    assert _leads(_records(opened, child))
    planned = family("consent", "erase", guardian).ok()
    assert "in entries of others: 1, which stand, and would not lead" in planned.out
    assert _leads(_records(opened, child))
    done = family("consent", "erase", guardian, "--execute").ok()
    assert "in entries of others: 1, which stand, and do not lead to them any more" in done.out
    assert _leads(_records(opened, child)) == []
    assert _answer(family, child) == before
    assert _leads(_records(opened, other)), "another guardian's authorisation is not theirs"
    assert verify(opened.workspace, open_keyring(opened)).problems == ()
    assert family("audit", "verify").code == 0


def test_r29_a_guardian_named_under_a_pepper_that_was_rotated_or_wrapped_since_is_taken_out_too(
    family: Line, opened: Context
) -> None:
    family("keys", "rotate", "pepper", "--execute").ok()
    family("keys", "wrap", "supp", "--execute").ok()
    family("consent", "history", ANN).ok()
    family("consent", "record", ANN, "--purpose", "analytics", "--state", "given").ok()  # met: moved to the new pepper
    for guardian in (ANN, GRAN):
        family("consent", "erase", guardian, "--execute").ok()
    opened.close()
    assert [_leads(_records(opened, child)) for child in (KIM, LEA)] == [[], []]


def test_r29_no_backup_brings_an_erased_guardian_back_into_a_childs_entries(
    family: Line, opened: Context, tmp_path: Path
) -> None:
    family("backup", tmp_path / "older.bak").ok()
    for guardian in (ANN, GRAN):
        family("consent", "erase", guardian, "--execute").ok()
    opened.close()
    for path in family.workspace.glob("ledger.db*"):
        path.unlink()
    family("restore", tmp_path / "older.bak", "--execute").ok()
    assert [_leads(_records(opened, child)) for child in (KIM, LEA)] == [[], []]
    assert family("audit", "verify").code == 0


def test_r29_somebody_elses_damaged_entry_holds_up_no_erasure(family: Line, opened: Context) -> None:
    with open_log(opened).write() as transaction:
        lea = _found(transaction, LEA)
        transaction.sql.execute("UPDATE payload SET ciphertext = zeroblob(40) WHERE subject = ?", (lea,))
    family("consent", "erase", ANN, "--execute").ok()
    assert _leads(_records(opened, KIM)) == []


def test_the_authorisation_of_an_erased_guardian_is_exported_and_taken_in_elsewhere(
    family: Line, opened: Context, tmp_path: Path
) -> None:
    for n, guardian in enumerate(("", ANN)):
        if guardian:
            family("consent", "erase", guardian, "--execute").ok()
        terms = ("--terms", tmp_path / f"{n}.terms.json")
        family("consent", "export", tmp_path / f"{n}.jsonl", "--format", "jsonl", *terms).ok()
    before, after = ((tmp_path / f"{n}.jsonl").read_text(encoding="utf-8") for n in (0, 1))
    assert (before.count('guardian\\":\\"export:'), after.count('guardian\\":\\"export:')) == (2, 1)
    assert 'guardian\\":\\"erased' in after
    elsewhere = {"IMP_HOME": str(tmp_path / "other"), "IMP_KEYS": str(tmp_path / "keys2")}
    family("init", tmp_path / "other", "--controller", "Shop Ltd", **elsewhere).ok()
    done = family("consent", "import", tmp_path / "1.jsonl", "--format", "records", *terms, "--json", **elsewhere)
    assert done.ok().json["rejected"] == 0


@pytest.mark.parametrize("word", ["email:dora@example.com", "Dora", "0a" * 16, "export:dora"])
def test_r18_a_record_from_elsewhere_names_a_guardian_by_an_exports_pseudonym_or_not_at_all(
    family: Line, tmp_path: Path, word: str
) -> None:
    terms, path = ("--terms", tmp_path / "terms.json"), tmp_path / "records.jsonl"
    family("consent", "export", path, "--format", "jsonl", *terms).ok()
    text, n = re.subn(r'(?<=guardian\\":\\")export:[0-9a-f]{32}', word, path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    assert n == 2
    elsewhere = {"IMP_HOME": str(tmp_path / "other"), "IMP_KEYS": str(tmp_path / "keys2")}
    family("init", tmp_path / "other", "--controller", "Shop Ltd", **elsewhere).ok()
    words = ("consent", "import", path, "--format", "records", *terms)
    refused = family(*words, **elsewhere)
    assert (refused.code, "details.guardian" in refused.err, word in refused.err + refused.out) == (2, True, False)
    rejects = tmp_path / "rejects.csv"
    family(*words, "--rejects", rejects, **elsewhere).ok()
    left_out = rejects.read_text(encoding="utf-8")
    assert (left_out.count("details.guardian"), word in left_out) == (2, False)


@pytest.mark.parametrize("purpose", ["analytics", "*"])
def test_an_authorisation_is_taken_back_as_the_commands_help_says(
    family: Line, clock: SimulatedClock, purpose: str
) -> None:
    said = " ".join(family("consent", "guardian", "--help").ok().out.split())
    assert "imp consent record member:123 --purpose '*' --state withdrawn --by-guardian" in said
    assert _answer(family, KIM)[0] == "given"
    clock.move_to(clock.now_us() + SECOND_US)
    family("consent", "record", KIM, "--purpose", purpose, "--state", "withdrawn", "--by-guardian").ok()
    again = ("--purpose", "analytics", "--state", "given", "--action", "click", "--by-guardian")
    clock.move_to(clock.now_us() + SECOND_US)
    family("consent", "record", KIM, *again, "--jurisdiction", "DE").ok()
    assert _answer(family, KIM)[0] == "under_age", "the yes needs an authorisation again"
    family("consent", "guardian", KIM, "--guardian", ANN, *WORDS, "--jurisdiction", "DE").ok()
    family("consent", "record", KIM, *again, "--jurisdiction", "DE").ok()
    assert _answer(family, KIM)[0] == "given"


@pytest.mark.parametrize(("guardian", "who"), [(ANN, "ann"), (GRAN, "gran")])
def test_r32_a_guardians_copy_holds_each_authorisation_and_nothing_of_the_child(
    family: Line, opened: Context, tmp_path: Path, guardian: str, who: str
) -> None:
    done = family("consent", "access", guardian, "--out", tmp_path / who, "--language", "en", *VERIFIED).ok()
    assert "1 authorisation as a guardian" in done.out
    found = json.loads((tmp_path / who / "access.json").read_bytes())
    (one,) = found["authorisations"]
    assert (found["known"], one["role"], one["proof"]) == (True, "guardian", True)
    assert set(one) == {"role", "at", "recorded", "proof"}
    page = (tmp_path / who / "access.html").read_text(encoding="utf-8")
    assert "you authorised something for another person, as guardian" in _plain(page)
    assert "Write to Shop Ltd to be shown what of it, and of the check, is about you" in _plain(page)
    assert [word for word in TOLD if word in page + json.dumps(found)] == [], "whoever typed them may name the child"
    assert "We hold nothing about you" not in page
    with open_log(opened).read() as reader:
        numbers = [_found(reader, child) for child in (KIM, LEA)]
    assert not [n for n in numbers if str(n) in page + json.dumps(found) or f"{n:016x}" in page + json.dumps(found)]


@pytest.mark.parametrize(
    ("words", "role", "said"),
    [
        ("mother", "mother", "als Mutter"), ("  Legal  GUARDIAN ", "guardian", "als sorgeberechtigte Person"),
        ("母亲", "mother", "als Mutter"), ("Pflegemutter", "foster-parent", "als Pflegeelternteil"),
        ("mother of Tom Smith", "guardian", "als sorgeberechtigte Person"), ("母亲 汤姆", "guardian", "als sorge"),
    ],
)  # fmt: skip
def test_r32_a_guardians_copy_tells_the_role_in_a_word_that_names_nobody(
    shop: Line, tmp_path: Path, words: str, role: str, said: str
) -> None:
    told = ("--role", words, "--verification", "birth certificate of Tom Smith", "--evidence", "file Tom-Smith.pdf")
    done = shop("consent", "guardian", "member:tom", "--guardian", GRAN, *told, "--purpose", "analytics").ok()
    own_words = "Smith" in words or "汤姆" in words
    assert ("warning: this role is in words of your own" in done.err) == own_words
    shop("consent", "access", GRAN, "--out", tmp_path / "gran", "--language", "de", *VERIFIED).ok()
    (one,) = json.loads((tmp_path / "gran" / "access.json").read_bytes())["authorisations"]
    assert one["role"] == role
    written = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "gran").iterdir())
    assert (said in _plain(written), "Tom" in written, "汤姆" in written) == (True, False, False)


def test_r32_a_copy_does_not_promise_a_proof_that_nobody_named(shop: Line, tmp_path: Path) -> None:
    shop("consent", "guardian", "member:tom", "--guardian", GRAN, *WORDS[:4], "--purpose", "analytics").ok()
    shop("consent", "access", GRAN, "--out", tmp_path / "gran", "--language", "en", *VERIFIED).ok()
    assert json.loads((tmp_path / "gran" / "access.json").read_bytes())["authorisations"][0]["proof"] is False
    assert "a proof of it" not in (tmp_path / "gran" / "access.html").read_text(encoding="utf-8")


def test_r32_who_authorised_nothing_has_no_such_line_and_a_child_none_of_its_guardians(
    family: Line, tmp_path: Path
) -> None:
    for who in ("member:ben", KIM, "member:nobody"):
        out = tmp_path / who.partition(":")[2]
        family("consent", "access", who, "--out", out, "--language", "en", *VERIFIED).ok()
        written = "".join(path.read_text(encoding="utf-8") for path in out.iterdir())
        assert json.loads((out / "access.json").read_bytes())["authorisations"] == []
        assert "Where you stand as a guardian" not in written
        assert not [word for word in (*TOLD, "guardian_token", "guardian_key") if word in written]


def test_an_erased_guardian_gets_no_copy_of_what_was_taken_out(family: Line, tmp_path: Path) -> None:
    family("consent", "erase", GRAN, "--execute").ok()
    family("consent", "access", GRAN, "--out", tmp_path / "gran", *VERIFIED).ok()
    found = json.loads((tmp_path / "gran" / "access.json").read_bytes())
    assert (found["known"], found["authorisations"]) == (False, [])


def test_an_identifier_that_is_nobodys_and_no_guardians_is_still_refused(family: Line) -> None:
    for more in ((), ("--execute",)):
        assert family("consent", "erase", "member:nobody", *more).code == 1


def test_a_guardians_request_for_erasure_is_noted_and_answered_though_they_are_nobody_else_here(family: Line) -> None:
    done = family("consent", "erase", GRAN, "--execute", "--json", *VERIFIED).ok().json
    assert (done["people"], done["authorisations"], len(done["answered"])) == (0, 1, 1)
    (request,) = family("consent", "requests", "list", "--all", "--json").ok().json["requests"]
    assert (request["kind"], request["state"]) == ("erase", "answered")
