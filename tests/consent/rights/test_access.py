"""`imp consent access`: everything about one person and nobody else, in their own words, to whoever they really are."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from imp_consent.audit.verify import Verification
from imp_consent.commands.erase import erase
from imp_consent.plane.linked import FROM, LINKED_FROM, TO, number
from imp_consent.policy.door import Door
from imp_consent.policy.saying import Saying
from imp_consent.rights import access
from imp_consent.rights.own_entries import without_others
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SimulatedClock
from imp_core.context import Context
from imp_core.event import RawId

Line = Any
WHO = "email:ann@example.com"
VERIFIED = ("--verified", "reasonable", "--how", "answered a code")


@pytest.fixture
def copy(shop: Line, tmp_path: Path) -> Path:
    """Ann's copy."""
    shop("consent", "access", WHO, "--out", tmp_path / "ann", *VERIFIED).ok()
    return tmp_path / "ann"


@pytest.fixture
def document(copy: Path) -> Any:
    return json.loads((copy / "access.json").read_bytes())


def test_r32_access_holds_entries_notices_uses_recipients_events_messages_retention_and_source(
    shop: Line, setting: Callable[[str], None], tmp_path: Path, notice_text: str
) -> None:
    setting("[retention]\nevidence = 1095\n[retention.archive]\ntouchpoint = 395")
    done = shop("consent", "access", WHO, "--out", tmp_path / "ann", "--json", *VERIFIED).ok().json
    found = json.loads((tmp_path / "ann" / "access.json").read_bytes())
    assert (found["schema"], found["controller"], found["known"]) == ("imp-access/1", "Shop Ltd", True)
    assert [entry["type"] for entry in found["entries"]] == ["grant", "request"]
    assert found["entries"][0]["record"]["evidence"] == "form-ANN-4711"
    assert found["notices"][0]["notice"]["text"] == notice_text
    assert [event["fields"]["campaign"] for event in found["touchpoints"]] == ["ANN-CAMPAIGN"]
    assert found["touchpoints"][0]["source"] == "file"
    assert found["touchpoints"][0]["source_entry"] is not None
    assert [event["fields"]["name"] for event in found["outcomes"]] == ["ANNS-ORDER"]
    assert {event["fields"]["trait_value"] for event in found["traits"]} == {"ANN-TRAIT", "ANN-INFERRED"}
    assert [(m["campaign"], m["status"], m["said"]) for m in found["messages"]] == [
        ("spring", "delivered", {"text": "Hello {{first_name}}"})
    ]
    assert [(use["purpose"], use["events"], use["ended"]) for use in found["uses"]] == [("analytics", 4, "closed")]
    assert {one["name"]: one["kind"] for one in found["recipients"]} == {
        "Partner GmbH": "named", "email": "channel", "file": "channel"
    }  # fmt: skip
    assert len(found["retention"]) == 2
    assert {p["purpose"]: p["permitted"] for p in found["permissions"]}["analytics"] is True
    assert (done["entries"], done["events"], done["messages"], done["uses"]) == (2, 4, 1, 1)


def test_r32_nothing_of_anybody_else_is_in_a_persons_copy(
    copy: Path, opened: Context, planted: tuple[str, ...]
) -> None:
    with open_log(opened).read() as reader:
        ben = reader.find_subject(RawId.parse("member:ben"))
        ann = reader.find_subject(RawId.parse(WHO))
    written = "".join(path.read_text(encoding="utf-8") for path in sorted(copy.iterdir()))
    for word in (*planted, "550-BEN", "ben", "Eve Employee", str(ben), str(ann), "ann@example.com"):
        assert word not in written, word
    assert "ANN-TRAIT" in written


def test_r32_the_other_side_of_a_link_and_a_guardian_are_others_and_left_out(
    shop: Line, opened: Context, tmp_path: Path
) -> None:
    with open_log(opened).write() as transaction:
        ann, ben = (transaction.find_subject(RawId.parse(word)) for word in (WHO, "member:ben"))
        assert ann is not None
        assert ben is not None
        now_us = transaction.now_us
        link = Saying(type="link", purpose="*", at_us=now_us, more={FROM: number(ben), TO: number(ben)})
        Door(opened, transaction, surface="command line").append(ann, link)
        more = {LINKED_FROM: number(ben), "person": ben % 1000}
        signal = Saying(type="signal", purpose="*", at_us=now_us, traits=("sale",), more=more)
        Door(opened, transaction, surface="command line").append(ann, signal)
    guardian = ("--guardian", "member:ben", "--role", "parent", "--verification", "ID card")
    shop("consent", "guardian", WHO, *guardian).ok()
    with open_log(opened).read() as reader:
        pseudonym = str(reader.history(ann)[-1].payload["guardian"])
    shop("consent", "access", WHO, "--out", tmp_path / "ann", *VERIFIED).ok()
    written = "".join(path.read_text(encoding="utf-8") for path in sorted((tmp_path / "ann").iterdir()))
    assert [word for word in (number(ben), str(ben), pseudonym, '"person"') if word in written] == []
    assert "ID card" not in written


def test_r32_what_was_written_of_a_guardian_is_in_no_copy_of_the_child(shop: Line, tmp_path: Path) -> None:
    words = ("--role", "father Ben Smith", "--verification", "passport C01X of Ben Smith")
    shop("consent", "guardian", WHO, "--guardian", "member:ben", *words).ok()
    shop("consent", "access", WHO, "--out", tmp_path / "copy", *VERIFIED).ok()
    for path in (tmp_path / "copy").iterdir():
        assert not {word for word in ("Ben Smith", "C01X") if word in path.read_text(encoding="utf-8")}


def test_r32_others_are_left_out_of_lists_too() -> None:
    record = {
        "to": ["0" * 16, "web"],
        "said": [{"actor": "Eve", "purpose": "analytics", "seen": [[{"guardian": "9f"}]]}, 7],
    }
    assert without_others(record) == {"to": ["web"], "said": [{"purpose": "analytics", "seen": [[{}]]}, 7]}


def test_a_copy_is_the_persons_alone_to_read(copy: Path) -> None:
    assert stat.S_IMODE(copy.stat().st_mode) == 0o700
    assert sorted(path.name for path in copy.iterdir()) == ["access.html", "access.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in copy.iterdir()} == {0o600}


def test_the_notices_text_is_the_one_the_entrys_hash_is_of(document: Any, opened: Context) -> None:
    named = document["entries"][0]["notice"]
    with open_log(opened).read() as reader:
        body = reader.notice(named)
    assert hashlib.sha256(body).hexdigest() == named == document["notices"][0]["sha256"]
    assert json.loads(body)["text"] == document["notices"][0]["notice"]["text"]


class _Page(HTMLParser):
    """Tags and text of a page; a tag that is opened and not closed is a fault."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [name for name, _ in attrs if name in ("src", "href", "onload", "onclick")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_stands_alone_and_keeps_every_script_safe(copy: Path) -> None:
    text = (copy / "access.html").read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert page.links == []
    assert not {"script", "img", "link", "iframe", "object", "form"} & set(page.tags)
    assert "default-src 'none'" in text
    assert "<script>alert(1)</script> & \ufffdtxt.exe\ufffd" in page.text
    assert "您可以随时撤回同意" in page.text
    assert not re.search("[\u202a-\u202e]", text)
    assert 'lang="zh-Hans" dir="auto"' in text
    assert "您同意了“analytics”" in page.text


def test_r32_the_request_and_its_answer_are_noted_with_their_clock_and_without_a_name(
    shop: Line, tmp_path: Path, clock: SimulatedClock
) -> None:
    done = shop(
        "consent", "access", WHO, "--out", tmp_path / "ann", "--received", "2026-02-20T08:00:00Z", "--json", *VERIFIED
    ).ok().json  # fmt: skip
    assert (done["due"], done["late"]) == ("2026-03-20T08:00:00Z", False)
    (line,) = shop("consent", "requests", "list", "--all", "--json").ok().json["requests"]
    assert (line["id"], line["kind"], line["state"]) == (done["request"], "access", "answered")
    assert (line["received"], line["due"], line["verified"]) == (
        "2026-02-20T08:00:00Z", "2026-03-20T08:00:00Z", "reasonable"
    )  # fmt: skip
    clock.move_to(clock.now_us() + 40 * DAY_US)
    late = shop(
        "consent", "access", WHO, "--out", tmp_path / "late", "--received", "2026-02-20T08:00:00Z", "--json", *VERIFIED
    ).ok().json  # fmt: skip
    assert late["late"] is True


@pytest.mark.parametrize(
    ("regime", "due"),
    [("gdpr", "2026-03-28T08:00:00Z"), ("us-ca", "2026-04-14T08:00:00Z"), ("cn-pipl", "2026-03-20T08:00:00Z")],
)
def test_r32_every_regime_has_its_clock(shop: Line, tmp_path: Path, regime: str, due: str) -> None:
    words = ("--regime", regime, "--received", "2026-02-28T08:00:00Z", "--json", *VERIFIED)
    assert shop("consent", "access", WHO, "--out", tmp_path / "a", *words).ok().json["due"] == due


def test_r34_nothing_is_disclosed_to_somebody_whose_identity_is_not_verified(
    shop: Line, tmp_path: Path, opened: Context
) -> None:
    size = open_log(opened).size
    refused = shop("consent", "access", WHO, "--out", tmp_path / "ann")
    nobody = shop("consent", "access", "email:nobody@example.com", "--out", tmp_path / "ann")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == nobody.err, "it would say who is known"
    assert shop("consent", "access", WHO, "--out", tmp_path / "ann", "--verified", "contact", "--how", "x").code == 1
    assert shop("consent", "portability", WHO, "--out", tmp_path / "ann").code == 1
    assert shop("consent", "rectify", WHO, "--entry", "5").code == 1
    assert not (tmp_path / "ann").exists()
    assert open_log(opened).size == size, "nothing was appended"


def test_r34_a_level_says_what_showed_it(shop: Line, tmp_path: Path) -> None:
    answer = shop("consent", "access", WHO, "--out", tmp_path / "ann", "--verified", "high")
    assert (answer.code, answer.out) == (2, "")
    assert "--how" in answer.err


def test_r34_a_workspace_may_ask_for_more_but_never_of_who_says_no(
    shop: Line, setting: Callable[[str], None], tmp_path: Path
) -> None:
    setting('[rights.verification]\naccess = "high"')
    assert shop("consent", "access", WHO, "--out", tmp_path / "ann", *VERIFIED).code == 1
    setting('object = "high"')
    assert shop("consent", "access", WHO, "--out", tmp_path / "ann", "--verified", "high", "--how", "x").code == 2
    assert shop("consent", "object", WHO).code == 0


def test_r34_a_workspace_cannot_ask_for_less(shop: Line, setting: Callable[[str], None], tmp_path: Path) -> None:
    setting('[rights.verification]\naccess = "none"')
    assert shop("consent", "access", WHO, "--out", tmp_path / "ann").code == 2


def test_somebody_who_is_not_known_hears_that_nothing_is_held(shop: Line, tmp_path: Path) -> None:
    done = shop("consent", "access", "email:nobody@example.com", "--out", tmp_path / "n", "--json", *VERIFIED).ok().json
    assert done["known"] is False
    assert "We hold nothing about you" in (tmp_path / "n" / "access.html").read_text(encoding="utf-8")


def test_somebody_who_was_erased_hears_of_the_token_that_is_left(shop: Line, tmp_path: Path) -> None:
    shop("consent", "erase", WHO, "--execute").ok()
    shop("consent", "access", WHO, "--out", tmp_path / "gone", *VERIFIED).ok()
    found = json.loads((tmp_path / "gone" / "access.json").read_bytes())
    assert (found["known"], found["erased"], found["entries"]) == (False, True, [])
    assert "You were erased" in (tmp_path / "gone" / "access.html").read_text(encoding="utf-8")


def test_a_folder_that_holds_something_is_not_written_over(shop: Line, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    assert shop("consent", "access", WHO, "--out", tmp_path / "full", *VERIFIED).code == 2
    assert shop("consent", "access", WHO, "--out", shop.workspace / "archive" / "x", *VERIFIED).code == 2
    assert (tmp_path / "full" / "mine").read_text() == "x"


def test_an_open_request_is_answered_by_its_id_and_only_for_its_person(shop: Line, tmp_path: Path) -> None:
    opened = shop("consent", "requests", "open", "access", WHO, "--json", *VERIFIED).ok().json
    other = shop("consent", "access", "member:ben", "--out", tmp_path / "b", "--request", opened["id"], *VERIFIED)
    assert (other.code, (tmp_path / "b").exists()) == (2, False)
    shop("consent", "access", WHO, "--out", tmp_path / "a", "--request", opened["id"]).ok()
    again = shop("consent", "access", WHO, "--out", tmp_path / "c", "--request", opened["id"])
    assert (again.code, (tmp_path / "c").exists()) == (1, False)


def test_the_ledger_agrees_after_all_of_it(copy: Path, verified: Callable[[], Verification]) -> None:
    assert copy.exists()
    assert verified().living == 2


def test_somebody_who_is_erased_while_their_copy_is_made_hears_that(
    opened: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = access.own_rows

    def erased_after(*given: Any) -> Any:
        found = real(*given)
        erase(opened, [RawId.parse(WHO)], later=True)
        return found

    monkeypatch.setattr(access, "own_rows", erased_after)
    found = access.assemble(open_log(opened), opened.workspace, opened.gate, RawId.parse(WHO))
    assert (found.known, found.erased, found.entries, found.touchpoints) == (False, True, (), ())


def test_r34_a_request_that_is_named_is_answered_at_the_surer_of_both_levels(shop: Line, tmp_path: Path) -> None:
    def answer(number: int, noted: str, now: str) -> int:
        how = ("--how", "logged in")
        words = () if noted == "none" else ("--verified", noted, *how)
        opened = shop("consent", "requests", "open", "access", WHO, "--json", *words).ok().json["id"]
        shown = () if now == "none" else ("--verified", now, *how)
        out = ("--out", tmp_path / str(number), "--request", opened)
        code = int(shop("consent", "access", WHO, *out, *shown).code)
        assert (tmp_path / str(number)).exists() == (code == 0)
        return code

    cases = (("none", "none"), ("contact", "contact"), ("reasonable", "none"), ("high", "contact"), ("none", "high"))
    assert [answer(number, *case) for number, case in enumerate(cases)] == [1, 1, 0, 0, 0]


def test_a_folder_that_is_not_free_opens_no_request(shop: Line, context: Context, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "there").write_text("x")
    size = open_log(context).size
    words = ("--verified", "reasonable", "--how", "logged in")
    for command in ("access", "portability"):
        assert shop("consent", command, WHO, "--out", tmp_path / "full", *words).code == 2
    assert open_log(context).size == size


def test_r32_an_entry_tells_the_data_its_purpose_declared_then_beside_what_the_notice_names(
    shop: Line, tmp_path: Path
) -> None:
    text = tmp_path / "health.txt"
    text.write_text(
        "Shop Ltd advises you on health: advice.health (health).\n\nYou can withdraw your consent at any time."
    )
    described = ("--description", "We advise you on your health.")
    kind = ("--trait", "special-category")
    shop("consent", "purpose", "add", "advice.health", *described, *kind, "--data", "health").ok()
    shop("consent", "notice", "add", text, "--name", "health", "--purpose", "advice.health").ok()
    yes = ("--purpose", "advice.health", "--state", "given", "--consent", "explicit")
    shop("consent", "record", "member:kim", *yes).ok()
    shop("consent", "purpose", "change", "advice.health", "--data", "health", "--data", "diet").ok()
    words = ("--out", tmp_path / "kim", "--language", "de", "--verified", "reasonable", "--how", "x")
    shop("consent", "access", "member:kim", *words).ok()
    found = json.loads((tmp_path / "kim" / "access.json").read_bytes())
    (entry,) = [one for one in found["entries"] if one["type"] == "grant"]
    assert (entry["purpose_data"], "touchpoint" in entry["record"]["data_categories"]) == (["health"], True)
    now = {one["purpose"]: one["data"] for one in found["permissions"]}
    assert (now["advice.health"], now["analytics"]) == (["health", "diet"], [])
    page = (tmp_path / "kim" / "access.html").read_text(encoding="utf-8")
    for label, value in (("Daten laut Zweck", "health"), ("Daten laut Hinweis", "identifier, touchpoint")):
        assert f'<th><bdi dir="auto">{label}</bdi></th><td><bdi dir="auto">{value}' in page
    assert '<td><bdi dir="auto">health, diet</bdi></td>' in page
