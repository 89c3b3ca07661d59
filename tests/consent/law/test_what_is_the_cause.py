"""What an answer names as its cause, the law it cites, and what it says would change it."""

from __future__ import annotations

from tests.consent.law.conftest import Desk

CHINA = ("--regime", "cn-pipl", "--jurisdiction", "CN")
PARTNER = (
    "--recipient",
    "Partner Ltd",
    "--contact",
    "dpo@partner.example",
    "--method",
    "storage",
    "--rights",
    "by letter",
)


def explained(desk: Desk, purpose: str, *words: str) -> str:
    return str(desk.consent("check", "member:1", "--purpose", purpose, "--explain", *words).out)


def test_r05_a_bundled_yes_is_named_as_what_opens_nothing_and_why(desk: Desk) -> None:
    both = ("--purpose", "analytics", "--purpose", "marketing.email", "--state", "given", "--bundled", "--json")
    entries = desk.consent("record", "member:1", *both).ok().json["entries"]
    said = explained(desk, "analytics")
    assert f"the person said yes to analytics (entry {entries[0]['seq']})" in said
    assert "That yes opens nothing: it is on record as bundled" in said
    assert "(The law: GDPR 7(2), 7(4), rec. 43" in said
    assert "nothing the person said" not in said.lower()
    assert said.rstrip().endswith("A yes for this purpose by a choice of its own would change it.")
    assert "bundled" not in explained(desk, "essential")
    assert "bundled" not in explained(desk, "analytics", "--at", "2020-01-01T00:00:00Z")
    desk.wait(1)
    desk.record("analytics", "withdrawn").ok()
    after = explained(desk, "analytics")
    assert "bundled" in after
    assert "A later yes of the person would change it." in after
    desk.wait(1)
    desk.record("analytics").ok()
    assert "bundled" not in explained(desk, "analytics")


def test_r05_in_china_the_law_of_bundles_is_its_own(desk: Desk) -> None:
    desk.record("analytics", "given", "--bundled", *CHINA).ok()
    assert "(The law: PIPL 14, 16; GB/T 35273-2020 5.3.)" in explained(desk, "analytics")


def test_r19_a_yes_to_health_data_cites_the_article_that_lets_it_be_used(desk: Desk) -> None:
    desk.purpose("health", "--trait", "special-category")
    desk.notice("health", "analytics").ok()
    desk.record("health", "given", "--consent", "explicit").ok()
    assert "(The law: GDPR 6(1)(a); GDPR 9(2)(a).)" in explained(desk, "health")
    desk.record("analytics", "given").ok()
    assert "9(2)(a)" not in explained(desk, "analytics")


def test_r22_a_yes_to_an_export_from_china_cites_the_law_of_exports(desk: Desk) -> None:
    desk.purpose("abroad", "--trait", "transfer-abroad", *PARTNER, "--data", "identifier")
    more = "Partner Ltd, dpo@partner.example, receives it."
    desk.notice("abroad", more=more, words=("--recipient", "Partner Ltd")).ok()
    desk.record("abroad", "given", "--consent", "separate", *CHINA).ok()
    assert "(The law: PIPL 13(1), 14; PIPL 38, 39.)" in explained(desk, "abroad")


def test_r26_after_an_objection_the_warning_names_the_word_for_an_explicit_yes(desk: Desk) -> None:
    desk.consent("object", "member:1").ok()
    desk.wait(1)
    taken = desk.record("marketing.email", "given").ok().json["opens_nothing"]
    assert taken.endswith("record it so: --consent explicit.")
    desk.wait(1)
    assert desk.record("marketing.email", "given", "--consent", "explicit").ok().json["opens_nothing"] is None
