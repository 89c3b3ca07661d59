"""Regimes as files: those that are shipped, what no regime may say, and the strictest of several."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.policy import regime
from imp_consent.policy.house import read_house
from imp_consent.policy.regime import Regimes, packaged, parse_regime, read_regimes
from imp_consent.policy.rules import Rules
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.errors import BadInput, LedgerBroken

Cli = Any
HEAD = 'format = "imp-regime/1"\nname = "house"\ntitle = "Our house"\nopt_in = true\nsource = "we"\n'
# Member states' ages by GDPR 8(1); whoever is not here keeps 16.
AGES = {
    "AT": 14, "BE": 13, "BG": 14, "CY": 14, "CZ": 15, "DK": 15, "EE": 13, "ES": 14, "FI": 13, "FR": 15, "GR": 15,
    "IS": 13, "IT": 14, "LT": 14, "LV": 13, "MT": 13, "NO": 13, "PT": 13, "SE": 13, "SI": 15,
    "DE": 16, "HR": 16, "HU": 16, "IE": 16, "LI": 16, "LU": 16, "NL": 16, "PL": 16, "RO": 16, "SK": 16,
}  # fmt: skip


def rules(*names: str, jurisdiction: str | None = None) -> Rules:
    return packaged().rules(names, jurisdiction)


def test_what_is_shipped_can_be_read_and_has_the_name_of_its_file() -> None:
    assert [found.name for found in packaged()] == ["cn-pipl", "default", "eprivacy", "gdpr", "us-ca", "us-opt-out"]
    assert all(packaged().regime(name).name == name for name in packaged().texts)


def test_every_rule_that_is_shipped_names_its_source_and_every_file_is_commented() -> None:
    for found in packaged():
        text = found.text.decode()
        sections = text.count("\n[") - sum(text.count(f"[jurisdiction.US-{state}]") for state in ("UT", "IA"))
        assert text.count("\nsource = ") == sections + 1, found.name
        assert text.startswith("# ")
        assert "no legal advice" in text


@pytest.mark.parametrize("state", AGES)
def test_the_age_of_consent_is_the_member_states(state: str) -> None:
    (age,) = rules("gdpr", jurisdiction=state).ages
    together = {"FR"}  # and where French law holds overseas
    assert (age.below, age.needs) == (AGES[state], "both" if state in together else "guardian")


def test_the_strictest_of_several_regimes_holds() -> None:
    both = rules("gdpr", "us-ca")
    assert both.opt_in
    assert both.bases == {"contract", "legal-obligation", "vital-interest", "public-task", "legitimate-interest"}
    assert [(age.below, age.needs) for age in both.under(12)] == [
        (13, "guardian"),  # general, and for the uses that are her own from then on
        (13, "guardian"),
        (16, "guardian"),
        (16, "own"),
    ]
    assert both.consent_needed(("special-category",)) == "explicit"
    assert rules("gdpr", "cn-pipl").consent_needed(("special-category",)) == "separate"
    assert both.refused_actions == rules("gdpr").refused_actions | rules("us-ca").refused_actions
    assert both.signal_traits["gpc"] == {"sale", "sharing", "targeted-advertising"}
    assert both.objection_traits >= {"direct-marketing", "sale"}


def test_the_order_of_regimes_changes_nothing_but_their_names() -> None:
    one, other = rules("gdpr", "us-ca", "cn-pipl"), rules("cn-pipl", "us-ca", "gdpr")
    assert one.bases == other.bases
    assert set(one.needs) == set(other.needs)
    assert {kind: clock.within.after(0) for kind, clock in one.clocks.items()} == {
        kind: clock.within.after(0) for kind, clock in other.clocks.items()
    }


def test_a_clock_is_the_earliest_and_extended_only_where_all_allow_it() -> None:
    both, alone = rules("gdpr", "us-ca").clock("access"), rules("gdpr").clock("access")
    assert both is not None
    assert alone is not None
    assert both.within.after(0) == alone.within.after(0)
    assert str(rules("us-ca").clock("opt-out").within) == "15 business days"  # type: ignore[union-attr]
    assert rules("gdpr", "cn-pipl").clock("access").extension is None  # type: ignore[union-attr]
    assert rules("eprivacy").clock("access") is None
    assert rules("eprivacy", "gdpr").clock("access") == alone == rules("gdpr", "eprivacy").clock("access")


def test_who_says_nothing_of_bases_leaves_those_of_the_others() -> None:
    assert rules("eprivacy").bases is None
    assert rules("eprivacy", "gdpr").bases == rules("gdpr").bases == rules("gdpr", "eprivacy").bases


def test_a_regime_that_is_not_known_and_a_jurisdiction_that_is_none_are_refused() -> None:
    with pytest.raises(BadInput, match="unknown regime"):
        packaged().rules(("no-such-law",))
    with pytest.raises(BadInput, match="no regime"):
        packaged().rules(())
    for word in ("France", "fr", "", "US-CALIFORNIA"):
        with pytest.raises(BadInput, match="not a jurisdiction"):
            packaged().rules(None, word)
    assert packaged().rules(None, "JP").names == ("gdpr", "eprivacy"), "what no file names has the general rules"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "format = 3",
        'format = "imp-regime/2"\n',
        "\ufeffx = ",
        HEAD.replace("house", "Our House"),
        HEAD.replace("opt_in = true\n", ""),
        HEAD + '[unheard]\nsource = "x"\n',
        HEAD + '[actions]\nrefused = ["scroll"]\n',  # no source
        HEAD + '[actions]\nrefused = "scroll"\nsource = "x"\n',
        HEAD + '[bundle]\nvoid = "yes"\nsource = "x"\n',
        HEAD + '[bases]\nallowed = ["because"]\nsource = "x"\n',
        HEAD + '[objection]\ntraits = ["no-such-trait"]\nsource = "x"\n',
        HEAD + '[[needs]]\ntrait = "sale"\nconsent = "strong"\nsource = "x"\n',
        HEAD + '[[needs]]\ntrait = "sale"\nsays = ["everything"]\nsource = "x"\n',
        HEAD + '[[needs]]\nconsent = "explicit"\nsource = "x"\n',
        HEAD + '[[needs]]\ntrait = "sale"\nmisspelt = 1\nsource = "x"\n',
        HEAD + '[needs]\ntrait = "sale"\nsource = "x"\n',
        HEAD + "bases = 3\n",
        HEAD + "needs = [3]\n",
        HEAD + '[[valid_for]]\ntrait = "*"\nperiod = "soon"\nsource = "x"\n',
        HEAD + '[[age]]\nbelow = 0\nneeds = "guardian"\nsource = "x"\n',
        HEAD + '[[age]]\nbelow = 13\nneeds = "patience"\nsource = "x"\n',
        HEAD + '[[reprompt]]\ntrait = "*"\nafter = ["rain"]\nperiod = "1 day"\nsource = "x"\n',
        HEAD + '[[lift]]\ntype = "grant"\nsource = "x"\n',
        HEAD + "jurisdiction = 3\n",
        HEAD + "[jurisdiction.France]\nneeds = []\n",
        HEAD + "[jurisdiction.FR]\nunheard = []\n",
        HEAD + '[[jurisdiction.FR.age]]\nbelow = 99\nneeds = "own"\nsource = "x"\n',
    ],
)
def test_a_file_that_says_what_nobody_would_obey_is_no_regime(text: str) -> None:
    with pytest.raises(BadInput):
        parse_regime(text.encode())


def test_what_is_wrong_is_named_with_its_section_and_jurisdiction() -> None:
    with pytest.raises(BadInput) as caught:
        parse_regime((HEAD + "[jurisdiction.FR]\n[[jurisdiction.FR.age]]\nbelow = 15\n").encode(), where="house.toml")
    assert caught.value.where == "house.toml, jurisdiction FR [age]"
    with pytest.raises(BadInput):
        parse_regime(HEAD.encode() + b"# " + b"x" * 600_000)
    with pytest.raises(BadInput):
        parse_regime(b"\xff")


def test_code_knows_no_regime_by_its_name() -> None:
    names = {found.name for found in packaged()} - {"default"}  # a word of its own
    named = {}
    for path in Path(regime.__file__).parent.parent.rglob("*.py"):
        words = (node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant))
        if found := {word for word in words if isinstance(word, str) and word in names}:
            named[path.name] = found
    assert named == {"regime.py": {"gdpr", "eprivacy"}}, "the default names two; nothing else knows any"


def test_a_new_workspace_holds_the_law_it_began_with_and_says_which_is_in_force(shop: Context, imp_here: Cli) -> None:
    with open_log(shop).read() as reader:
        (entry,) = reader.system_entries("policy")
        assert read_regimes(reader).texts == packaged().texts
    assert set(entry.fields) == {"purposes", "regimes"}
    listed = imp_here("consent", "regime", "list", "--json").ok().json["regimes"]
    assert {item["name"] for item in listed if item["in_force"]} == {"gdpr", "eprivacy"}
    assert imp_here("consent", "regime", "list").ok().out.count("* ") == 2
    shown = imp_here("consent", "regime", "show", "gdpr").ok().out
    assert shown.rstrip("\n") == packaged().texts["gdpr"].decode().rstrip("\n")
    assert imp_here("consent", "regime", "show", "hammurabi").code == 2
    assert imp_here("audit", "verify").ok()


def test_a_ledger_without_a_document_of_regimes_follows_those_that_are_shipped(trial_ledger: Any) -> None:
    with trial_ledger() as transaction:
        assert read_regimes(transaction) is packaged()


def test_a_house_adds_its_own_law_from_a_folder_and_it_holds_where_it_is_named(
    shop: Context, imp_here: Cli, tmp_path: Path
) -> None:
    nothing = imp_here("consent", "regime", "add")
    assert (nothing.code, "no file of law" in nothing.err) == (2, True)
    folder = shop.workspace.root / "regimes"
    folder.mkdir()
    house = HEAD + '[[valid_for]]\ntrait = "*"\nperiod = "30 days"\nrefusals = true\nsource = "our promise"\n'
    (folder / "house.toml").write_text(house, encoding="utf-8")
    done = imp_here("consent", "regime", "add", "--json").ok().json
    assert done["changed"] == ["house"]
    again = imp_here("consent", "regime", "add").ok()
    assert again.out == "nothing to change\n"
    assert imp_here("consent", "regime", "add", "--shipped").ok().out == "nothing to change\n"
    said = imp_here(
        "consent", "record", "member:1", "--purpose", "analytics", "--state", "given",
        "--regime", "gdpr", "--regime", "house", "--json",
    ).ok().json  # fmt: skip
    assert said["until"] == "2026-03-31T12:00:00Z"
    bad = imp_here("consent", "regime", "add", str(folder / "house.toml"), str(folder / "house.toml"))
    assert (bad.code, "two files" in bad.err) == (2, True)
    assert imp_here("consent", "regime", "add", str(tmp_path / "none.toml")).code == 2
    assert imp_here("audit", "verify").ok()


def test_the_rules_of_several_are_shown_in_words_and_as_json(shop: Context, imp_here: Cli) -> None:
    said = imp_here("consent", "regime", "rules", "--jurisdiction", "FR").ok().out
    assert "below 15: needs both  [GDPR 8(1); loi 78-17" in said
    assert "terminal: a yes holds 6 months" in said
    plain = imp_here("consent", "regime", "rules", "us-ca", "cn-pipl", "--json").ok().json
    assert plain["names"] == ["us-ca", "cn-pipl"]
    assert "默认" in plain["acts"]["passive"]
    assert "below 14: needs guardian; whatever is known of them is sensitive  [PIPL 28, 31]" in (
        imp_here("consent", "regime", "rules", "cn-pipl").ok().out
    )
    assert plain["clocks"]["opt-out"]["within"].startswith("15 business days")
    assert plain["erase_on"] == ["purpose-achieved", "retention-elapsed", "withdrawal"]


def test_what_imp_toml_says_of_law_is_read_strictly() -> None:
    assert read_house({}).regimes == ("gdpr", "eprivacy")
    assert read_house({"policy": {"regime": "us-ca"}}).regimes == ("us-ca",), "as older workspaces wrote it"
    house = read_house({"policy": {"regimes": ["cn-pipl"], "jurisdiction": "CN", "channels": ["wechat"]}})
    assert (house.regimes, house.jurisdiction, house.channels) == (("cn-pipl",), "CN", frozenset({"wechat"}))
    for bad in ("x", {"regimes": 3}, {"regimes": [3]}, {"jurisdiction": 3}, {"channels": "sms"}):
        with pytest.raises(BadInput):
            read_house({"policy": bad})


def test_a_regime_that_cannot_be_read_any_more_is_a_broken_ledger() -> None:
    with pytest.raises(LedgerBroken):
        Regimes({"house": b"not toml ="}).regime("house")


@pytest.fixture
def trial_ledger(shop: Context) -> Callable[[], Any]:
    """A ledger that no policy entry names regimes in."""

    class Silent:
        def system_entries(self, _: str) -> list[Any]:
            return []

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    return Silent
