"""What ends first ends all, a separate consent is an act of its own, and a region has its country's law."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from imp_consent.policy.regime import packaged
from imp_core.errors import BadInput

Desk = Any
CHINA: Final = ("--regime", "cn-pipl", "--jurisdiction", "CN")


def test_r13_a_yes_ends_with_the_first_of_the_purposes_that_it_covers(desk: Desk) -> None:
    desk.purpose("web", "--trait", "none")
    desk.purpose("web.count", "--trait", "terminal")
    desk.notice("web", "web.count")
    direct = desk.record("web.count", "given", "--jurisdiction", "FR", who="member:2").ok().json
    above = desk.record("web", "given", "--jurisdiction", "FR", who="member:3").ok().json
    assert above["covers"] == ["web.count"]
    assert above["until"] == direct["until"]
    desk.wait(300)
    assert desk.asked("web.count", who="member:3") == desk.asked("web.count", who="member:2") == "expired"


@pytest.mark.parametrize("code", ["FR-IDF", "FR"])
def test_a_region_without_law_of_its_own_has_its_countrys(code: str) -> None:
    regime = packaged().regime("eprivacy")
    assert regime.rules(code) == regime.jurisdictions["FR"]
    assert regime.rules("ZZ-IDF") == regime.rules(None) == regime.general
    assert packaged().rules(("gdpr", "eprivacy"), code).validity(("terminal",)) is not None


@pytest.mark.parametrize("first", ["health", "analytics"])
@pytest.mark.parametrize("evidence", [(None, None), ("form", None), (None, "form"), ("form", "form")])
def test_r20_nothing_tells_a_separate_consent_from_another_of_the_same_act(
    law: Any, first: str, evidence: tuple[str | None, str | None]
) -> None:
    law.regimes = ("cn-pipl",)
    law.declare("health", traits=("sensitive",), necessity="needed", data=("health",))
    kind = {"health": "separate", "analytics": None}
    second = "analytics" if first == "health" else "health"
    law.write("grant", first, consent=kind[first], evidence=evidence[0])
    with pytest.raises(BadInput, match="not shared"):
        law.write("grant", second, consent=kind[second], evidence=evidence[1])
    assert law.write("grant", second, consent=kind[second], evidence="another form" if evidence[0] else None,
                     at_us=law.history[0].statement.at_us + (0 if evidence[0] else 1)).type == "grant"  # fmt: skip


@pytest.mark.parametrize("rows", [("health,separate", "analytics,"), ("analytics,", "health,separate")])
def test_r20_one_act_in_a_file_is_no_separate_consent_whichever_row_comes_first(
    desk: Desk, tmp_path: Path, rows: tuple[str, str]
) -> None:
    desk.purpose("health", "--trait", "sensitive", "--necessity", "needed", "--data", "health")
    desk.notice("health", "analytics", name="hh")
    lines = [f"member:1,{row.split(',')[0]},given,2026-03-01T00:00:00Z,{row.split(',')[1]},hh" for row in rows]
    (tmp_path / "i.csv").write_text("\n".join(["identifier,purpose,state,at,consent,notice", *lines]))
    (tmp_path / "m.toml").write_text('[defaults]\nregime = "cn-pipl"\njurisdiction = "CN"\n')
    refused = desk.consent("import", str(tmp_path / "i.csv"), "--map", str(tmp_path / "m.toml"))
    assert (refused.code, "not shared" in refused.out + refused.err) == (2, True)
    assert desk.entries() == []


def test_r35_a_consent_is_recorded_again_under_its_own_law(desk: Desk) -> None:
    desk.purpose("health", "--trait", "sensitive", "--necessity", "n", "--data", "h")
    desk.notice("analytics", "health", name="hh")
    given = desk.record("analytics", "given", "--notice", "hh", *CHINA).ok().json
    desk.wait(1)
    words = ("rectify", "member:1", "--entry", str(given["seq"]), "--verified", "reasonable", "--how", "x")
    refused = desk.consent(*words, "--purpose", "health")
    assert (refused.code, "separate consent" in refused.err) == (2, True)
    desk.consent(*words, "--at", "2026-02-28T00:00:00Z", "--evidence", "screen 3").ok()
    assert desk.entries()[-1].payload["regimes"] == ["cn-pipl"]
    assert desk.entries()[-1].payload["jurisdiction"] == "CN"


def test_r35_no_older_yes_opens_by_a_correction_what_was_closed(desk: Desk) -> None:
    desk.record("marketing.email", "given", "--consent", "explicit").ok()
    desk.wait(1)
    later = desk.record("marketing.email", "given", "--valid-for", "2d").ok().json
    desk.wait(5)
    assert desk.asked("marketing.email") == "expired"
    before = len(desk.entries())
    words = ("rectify", "member:1", "--entry", str(later["seq"]), "--verified", "reasonable", "--how", "x")
    refused = desk.consent(*words)
    assert (refused.code, "older one would permit" in refused.err) == (1, True)
    assert (desk.asked("marketing.email"), len(desk.entries())) == ("expired", before)
