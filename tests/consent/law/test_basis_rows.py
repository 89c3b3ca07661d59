"""Requirements on other bases than consent: after a withdrawal, on terminals, by e-mail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

Desk = Any
INTEREST = ("--basis", "legitimate-interest", "--ground", "assessment=LIA 12")
SALE = {
    "sale": "order 7",
    "same-controller": "Shop Ltd sold it",
    "similar-goods": "shoes",
    "opt-out-at-collection": "form 3",
    "opt-out-in-messages": "link in the footer",
}
ROWS = "type,identifier,at,purpose,id,name,campaign\n"


def soft(*left_out: str) -> list[str]:
    """The words of a soft opt-in, without some of its grounds."""
    grounds = [f"--ground={name}={proof}" for name, proof in SALE.items() if name not in left_out]
    return ["--purpose", "marketing.email", "--basis", "soft-opt-in", *grounds]


def test_r11_after_a_withdrawal_nobody_changes_over_to_legitimate_interest(desk: Desk) -> None:
    desk.record("analytics", "given").ok()
    desk.wait(1)
    desk.record("analytics", "withdrawn").ok()
    late = desk.consent("basis", "member:1", "--purpose", "analytics", *INTEREST)
    assert (late.code, "EDPB 05/2020 §§121-123" in late.err) == (2, True)
    desk.wait(1)
    assert desk.consent("basis", "member:1", "--purpose", "analytics", *INTEREST).code == 2, "not later either"
    assert desk.asked("analytics") == "withdrawn"
    desk.consent("basis", "member:1", "--purpose", "experimentation", *INTEREST).ok()  # of another purpose
    desk.consent("basis", "member:2", "--purpose", "analytics", *INTEREST).ok()
    desk.wait(1)
    desk.record("analytics", "withdrawn", who="member:2").ok()
    desk.consent("basis", "member:2", "--purpose", "analytics", *INTEREST).ok()  # it was on record before


def test_a_withdrawal_of_everything_counts_for_each_purpose_and_another_channels_does_not(desk: Desk, law: Any) -> None:
    law.write("withdraw", "*", at_us=1_000)
    with pytest.raises(Exception, match="took consent back"):
        law.write("basis", "analytics", basis="legitimate-interest", grounds={"assessment": "12"})
    law.history.clear()
    law.write("withdraw", "analytics", channel="sms", at_us=1_000)
    law.write("basis", "analytics", channel="web", basis="legitimate-interest", grounds={"assessment": "12"})


@pytest.mark.parametrize("missing", [*SALE, "all"])
def test_r38_mail_without_consent_needs_every_condition_of_soft_opt_in_on_record(desk: Desk, missing: str) -> None:
    left_out = SALE if missing == "all" else [missing]
    refused = desk.consent("basis", "member:1", *soft(*left_out))
    assert (refused.code, "ePrivacy 13(2)" in refused.err) == (2, True)
    assert desk.asked("marketing.email", "--channel", "email") == "no_record"


def test_r38_soft_opt_in_opens_mail_until_the_first_opt_out(desk: Desk) -> None:
    desk.consent("basis", "member:1", *soft()).ok()
    assert desk.asked("marketing.email", "--channel", "email") == "basis"
    assert desk.entries()[0].payload["grounds"] == SALE
    desk.wait(1)
    desk.record("marketing.email", "withdrawn", "--channel", "email").ok()
    assert desk.asked("marketing.email", "--channel", "email") == "channel_opt_out"
    desk.wait(1)
    again = desk.consent("basis", "member:1", *soft())
    assert (again.code, "opted out before" in again.err) == (2, True)
    for state in ("refused", "withdrawn"):
        desk.record("marketing.email", state, who=f"member:{state}").ok()
        assert desk.consent("basis", f"member:{state}", *soft()).code == 2
    desk.consent("object", "member:3").ok()
    assert desk.consent("basis", "member:3", *soft()).code == 2, "an objection to direct marketing is an opt-out"


def test_r39_mail_without_soft_opt_in_needs_prior_consent(desk: Desk) -> None:
    other = desk.consent("basis", "member:1", "--purpose", "marketing.email", *INTEREST)
    assert (other.code, "ePrivacy 13(1)" in other.err) == (2, True)
    assert (
        desk.consent(
            "basis", "member:1", "--purpose", "marketing.email", "--basis", "contract", "--evidence", "order 7"
        ).code
        == 2
    )
    assert desk.asked("marketing.email") == "no_record"
    desk.record("marketing.email", "given").ok()
    assert desk.asked("marketing.email") == "given"


def test_r37_nothing_is_taken_from_a_terminal_before_consent_unless_it_is_strictly_necessary(
    desk: Desk, tmp_path: Path
) -> None:
    desk.imp("plugin", "enable", "file").ok()
    desk.purpose("measuring", "--trait", "terminal")
    desk.purpose("basket", "--trait", "terminal", "--trait", "essential")
    desk.notice("measuring", "basket").ok()
    for basis in (INTEREST, ("--basis", "contract", "--evidence", "order 7")):
        refused = desk.consent("basis", "member:1", "--purpose", "measuring", *basis)
        assert (refused.code, "ePrivacy 5(3)" in refused.err) == (2, True)
    desk.consent("basis", "member:1", "--purpose", "basket", "--basis", "contract", "--evidence", "order 7").ok()
    desk.wait(1)

    def take(purpose: str, number: str, campaign: str = "") -> Any:
        path = tmp_path / f"{number}.csv"
        path.write_text(f"{ROWS}touchpoint,member:1,2026-03-02T00:00:00Z,{purpose},{number},visit,{campaign}\n")
        return desk.imp("ingest", "file", str(path), "--json")

    assert take("measuring", "m1").ok().json["admitted"] == 0
    assert take("basket", "m2").ok().json["admitted"] == 1
    marketing = take("basket", "m3", campaign="spring")
    assert (marketing.code, "row 1, campaign: is for marketing or analytics" in marketing.err) == (2, True)
    desk.record("measuring", "given", "--at", "2026-03-01T13:00:00Z").ok()
    assert take("measuring", "m4", campaign="spring").ok().json["admitted"] == 1


def test_a_basis_that_the_law_does_not_know_is_refused_and_others_need_what_they_rest_on(desk: Desk) -> None:
    words = ("basis", "member:1", "--purpose", "essential", "--basis")
    unknown = desk.consent(*words, "opt-out-notice")
    assert (unknown.code, "no basis here is opt-out-notice" in unknown.err) == (2, True)
    assert desk.consent(*words, "because").code == 2
    assert desk.consent(*words, "legal-obligation").code == 2, "which law?"
    assert desk.consent(*words, "legal-obligation", "--ground", "law").code == 2
    assert desk.consent(*words, "legal-obligation", "--ground", "law=a", "--ground", "law=b").code == 2
    desk.consent(*words, "legal-obligation", "--ground", "law=HGB §257", "--valid-for", "30d", "--channel", "web").ok()
    nobody = desk.consent(*words, "legitimate-interest", "--regime", "eprivacy", "--ground", "assessment=1")
    assert (nobody.code, "allowed are: none" in nobody.err) == (2, True)


@pytest.mark.parametrize("basis", ["contract", "vital-interest"])
@pytest.mark.parametrize(
    ("law", "source"), [((), "GDPR 6(1)"), (("--regime", "gdpr"), "5(2)"), (("--regime", "cn-pipl"), "PIPL 13")]
)
def test_a_basis_of_which_nothing_says_where_the_proof_is_is_refused(
    desk: Desk, basis: str, law: tuple[str, ...], source: str
) -> None:
    words = ("basis", "member:1", "--purpose", "essential", "--basis", basis, *law)
    for evidence in ((), ("--evidence", " ")):
        answer = desk.consent(*words, *evidence)
        assert (answer.code, source in answer.err, "--evidence" in answer.err) == (2, True, True), answer.err
    assert not desk.entries()
    done = desk.consent(*words, "--evidence", "合同 2026-17")
    assert (done.ok().err, "rests on" in done.out) == ("", True)
    assert desk.consent(*words, "--ground", "order=7").ok().err == ""
    assert [entry.payload["evidence"] for entry in desk.entries()] == ["合同 2026-17", None]


def test_where_the_law_asks_for_no_proof_a_basis_without_any_is_taken_with_a_warning(desk: Desk) -> None:
    words = ("basis", "member:1", "--purpose", "essential", "--basis", "contract", "--regime", "us-ca")
    done = desk.consent(*words).ok()
    assert done.err.startswith("warning: nothing says where the proof of this basis is")
    assert desk.consent(*words, "--evidence", "order 7").ok().err == ""


def test_a_basis_names_no_notice_that_nobody_said_was_shown(desk: Desk) -> None:
    words = ("basis", "member:1", "--purpose", "essential", "--basis", "contract", "--evidence", "order 7")
    desk.consent(*words).ok()
    (entry,) = desk.entries()
    assert (entry.statement.notice, "notice" in entry.payload) == (None, False)
    assert isinstance(entry.payload["data_categories"], list), "what data it is for does not hang on what was shown"
    (known, *_) = desk.consent("notice", "list", "--json").ok().json["notices"]
    desk.consent(*words, "--notice", known["name"]).ok()
    entry = desk.entries()[-1]
    assert entry.statement.notice == known["sha256"]
    named: Any = entry.payload["notice"]
    assert named["name"] == known["name"]


def test_a_basis_that_is_a_notice_rests_on_the_newest_one(desk: Desk) -> None:
    california = ("--regime", "us-ca", "--jurisdiction", "US-CA")
    desk.consent("basis", "member:1", "--purpose", "analytics", "--basis", "opt-out-notice", *california).ok()
    assert desk.entries()[-1].statement.notice is not None


def test_a_row_of_an_imported_file_is_the_proof_of_a_basis_that_names_no_other(desk: Desk, tmp_path: Path) -> None:
    rows = tmp_path / "合同.csv"
    head = "identifier,purpose,state,at,basis,evidence\n"
    row = "member:{},essential,basis,2026-01-05T10:00:00Z,contract,{}\n"
    rows.write_text(head + row.format(1, "") + row.format(2, "合同 7"), encoding="utf-8")
    desk.consent("import", str(rows)).ok()
    (one,), (two,) = desk.entries("member:1"), desk.entries("member:2")
    assert str(one.payload["evidence"]).startswith("sha256:")
    assert (two.payload["evidence"], one.statement.notice) == ("合同 7", None)
