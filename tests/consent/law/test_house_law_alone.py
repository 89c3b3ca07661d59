"""What imp.toml says of law, and which law a question means: by the rules alone, without a workspace."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.policy.asked_law import asked_law, at_place, home_of, house_at
from imp_consent.policy.house import House, check_house, not_at_home, read_house
from imp_consent.policy.recorded import Law
from imp_consent.policy.regime import Regimes, packaged
from imp_core.errors import BadInput

KNOWN = packaged()
FRENCH = House(("gdpr", "eprivacy"), "FR", frozenset())
NOWHERE = House(("gdpr",), None, frozenset())


def test_what_imp_toml_leaves_out_is_the_default_and_what_it_says_is_kept() -> None:
    assert read_house({}) == House(("gdpr", "eprivacy"), None, frozenset())
    said = {"regimes": ["cn-pipl"], "jurisdiction": "CN", "channels": ["wechat", "wechat"]}
    assert read_house({"policy": said}) == House(("cn-pipl",), "CN", frozenset({"wechat"}))
    assert read_house({"policy": {"regimes": "us-ca"}}).regimes == ("us-ca",)
    assert read_house({"policy": {"regime": ["us-ca"], "regimes": ["gdpr"]}}).regimes == ("gdpr",)


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        ("x", "[policy] is not a table"),
        ({"jurisdiction": 3}, "[policy] jurisdiction is not a text"),
        ({"regimes": 3}, "[policy] regimes is not a list of texts"),
        ({"regimes": ["gdpr", 3]}, "[policy] regimes is not a list of texts"),
        ({"channels": "sms"}, "[policy] channels is not a list of texts"),
    ],
)
def test_what_is_wrong_in_imp_toml_is_named(policy: Any, problem: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_house({"policy": policy})
    assert (refused.value.what, refused.value.where) == (problem, "imp.toml")
    assert refused.value.mend


def refusal(house: House, names: list[str] | None = None) -> tuple[str, str | None]:
    with pytest.raises(BadInput) as refused:
        check_house(house, KNOWN, names=names)
    assert refused.value.mend
    return refused.value.what, refused.value.where


def test_a_place_or_law_of_imp_toml_that_there_is_not_is_named_with_its_line() -> None:
    check_house(FRENCH, KNOWN)
    check_house(NOWHERE, KNOWN)
    place = ("no such country", "imp.toml, [policy] jurisdiction")
    assert refusal(House(("gdpr",), "XX", frozenset())) == place
    assert refusal(House(("gdpr",), "XX", frozenset()), ["gdpr"]) == place, "whatever law is named"
    unknown = House(("hammurabi",), "FR", frozenset())
    assert refusal(unknown)[1] == "imp.toml, [policy] regimes"
    check_house(unknown, KNOWN, names=["gdpr"])
    elsewhere = House(("us-ca",), "FR", frozenset())
    assert refusal(elsewhere)[1] == "imp.toml, [policy] regimes"
    check_house(elsewhere, KNOWN, names=["gdpr"])
    assert refusal(House((), None, frozenset()))[1] == "imp.toml, [policy] regimes"


def test_the_law_at_home_in_the_place_of_imp_toml_is_missed_only_where_none_of_it_is_named() -> None:
    assert not_at_home(FRENCH, KNOWN) == ()
    assert not_at_home(NOWHERE, KNOWN) == ()
    assert not_at_home(House(("gdpr",), "CN", frozenset()), KNOWN) == ("cn-pipl",)
    assert not_at_home(House(("gdpr", "cn-pipl"), "CN", frozenset()), KNOWN) == ()
    assert not_at_home(House(("gdpr",), "BR", frozenset()), KNOWN) == ()


@pytest.mark.parametrize(
    ("house", "named", "meant"),
    [
        (FRENCH, Law(None, None), Law(("gdpr", "eprivacy"), "FR")),
        (FRENCH, Law(("us-ca",), None), None),  # it does not hold in France
        (FRENCH, Law(("cn-pipl",), "CN"), Law(("cn-pipl",), "CN")),
        (FRENCH, Law(("gdpr",), None), Law(("gdpr",), "FR")),
        (FRENCH, Law(None, "CN"), Law(("cn-pipl", "gdpr", "eprivacy"), "CN")),
        (FRENCH, Law(None, "FR"), Law(("gdpr", "eprivacy"), "FR")),
        (FRENCH, Law(None, "BR"), None),  # nobody here knows the law of Brazil
        (FRENCH, Law(("gdpr",), "BR"), Law(("gdpr",), "BR")),
        (House(("gdpr",), "BR", frozenset()), Law(None, "BR"), Law(("gdpr",), "BR")),  # but imp.toml says it
        (NOWHERE, Law(None, None), Law(("gdpr",), None)),
        (NOWHERE, Law(("us-ca",), None), Law(("us-ca",), None)),
        (NOWHERE, Law(None, "XX"), None),
        (FRENCH, Law(("hammurabi",), None), None),
    ],
)
def test_a_question_means_the_law_it_names_that_of_its_place_or_that_of_the_house(
    house: House, named: Law, meant: Law | None
) -> None:
    if meant is not None:
        assert asked_law(KNOWN, house, named) == meant
        return
    with pytest.raises(BadInput):
        asked_law(KNOWN, house, named)


def test_where_no_law_is_known_those_to_choose_from_are_named() -> None:
    with pytest.raises(BadInput, match="which law holds in BR is not known here") as refused:
        asked_law(KNOWN, FRENCH, Law(None, "BR"))
    assert refused.value.where == "regime"
    assert (refused.value.mend or "").endswith(", ".join(sorted(KNOWN.texts)))


def test_the_house_at_its_own_place_is_left_as_it_is_unless_none_of_its_law_is_at_home_there() -> None:
    assert house_at(KNOWN, House(("gdpr",), "FR", frozenset()), "FR") == ("gdpr",)
    assert house_at(KNOWN, House(("gdpr",), "DE", frozenset()), "FR") == ("gdpr", "eprivacy")
    assert house_at(KNOWN, House(("gdpr",), "CN", frozenset()), "CN") == ("cn-pipl", "gdpr")
    assert at_place(KNOWN, "BR", ("us-ca",)) == ("us-ca",), "whether it holds there or not"
    assert at_place(KNOWN, "US-CA", ("cn-pipl", "us-ca")) == ("us-ca", "cn-pipl")
    assert at_place(KNOWN, "US-TX", ("us-ca", "cn-pipl")) == ("us-opt-out", "cn-pipl")
    with pytest.raises(BadInput, match="no such country"):
        at_place(KNOWN, "XX", ("gdpr",))
    with pytest.raises(BadInput):
        at_place(KNOWN, "FR", ("hammurabi",))


def test_regimes_are_at_home_in_one_place_or_in_the_one_country_of_them_all() -> None:
    head = 'format = "imp-regime/1"\nname = "{}"\ntitle = "x"\nopt_in = true\nsource = "we"\n'
    head += '[applies]\nto = {}\nsource = "we"\n'
    own = {name: head.format(name, places).encode() for name, places in HOMES.items()}
    known = Regimes({**KNOWN.texts, **own})
    cases = {("paris",): "FR-75", ("both",): "FR", ("paris", "both"): "FR", ("two",): None, ("paris", "two"): None}
    assert {names: home_of(known, names) for names in cases} == cases
    assert home_of(known, ("paris", "no-such-law")) == "FR-75"
    assert home_of(known, ()) is None


HOMES = {"paris": '["FR-75"]', "both": '["FR-75", "FR-IDF"]', "two": '["FR", "DE"]'}
