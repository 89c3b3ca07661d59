"""What a file of law may say, to the letter: its places, its lists, its numbers, and the words of what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.policy.regime import Regime, Regimes, packaged, parse_regime
from imp_core.errors import BadInput

HEAD = 'format = "imp-regime/1"\nname = "house"\ntitle = "Our house"\nopt_in = true\nsource = "we"\n'
SIGNAL = '[[signal]]\nname = "{}"\ntraits = ["sale"]\nsource = "we"\n'


def read(more: str) -> Regime:
    """The house's law, with more in its file."""
    return parse_regime((HEAD + more).encode(), where="house.toml")


def fault(more: str) -> BadInput:
    """Why it is none."""
    with pytest.raises(BadInput) as caught:
        read(more)
    return caught.value


def section(name: str, words: str) -> str:
    return f'{name}\n{words}\nsource = "we"\n'


def test_a_file_is_as_long_as_half_a_million_bytes_and_no_longer() -> None:
    room = 500_000 - len(HEAD) - len("#\n")
    assert len(read(f"#{'x' * room}\n").text) == 500_000
    assert fault(f"#{'x' * (room + 1)}\n").what == "not a regime"


def test_what_is_wrong_with_a_file_is_said_shortly() -> None:
    twice = f"[{'x' * 300}]\n" * 2
    assert fault(twice).what.startswith("not a TOML file: Cannot declare")
    assert len(fault(twice).what) == 200
    assert fault(f"[jurisdiction.{'Y' * 30}]\n").where == f"house.toml, jurisdiction {'Y' * 20}"


def test_a_law_that_does_not_say_where_it_applies_holds_everywhere_and_is_at_home_nowhere() -> None:
    assert (read("").applies, read("").home) == (("*",), ())


def test_a_law_is_at_home_where_it_says_else_in_the_places_that_it_names() -> None:
    places = ("FR", "US-CA")
    assert read(section("[applies]", 'to = ["FR", "US-CA"]')).home == places
    assert read(section("[applies]", 'to = ["FR", "*"]')).home == ("FR",)
    own = read(section("[applies]", 'to = ["FR", "US-CA"]\nhome = ["FR"]'))
    assert (own.applies, own.home) == (places, ("FR",))
    assert read(section("[applies]", 'to = ["*"]\nhome = ["FR"]')).home == ("FR",)
    regimes = Regimes({"house": own.text})
    assert [regimes.at_home(place) for place in ("FR", "FR-IDF", "US-CA", "US")] == [("house",), ("house",), (), ()]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("", "to is not a list of jurisdictions"),
        ("to = []", "to is not a list of jurisdictions"),
        ('to = ["FR", "France"]', "to is not a list of jurisdictions"),
        ('to = ["France", "FR"]', "to is not a list of jurisdictions"),
        ('to = ["FR"]\nhome = ["CN"]', "home is not a list of jurisdictions in which it holds"),
        ('to = ["*"]\nhome = ["France"]', "home is not a list of jurisdictions in which it holds"),
    ],
)
def test_places_are_codes_and_a_home_is_where_the_law_holds(words: str, what: str) -> None:
    assert fault(section("[applies]", words)).what == what


def test_law_that_holds_nowhere_near_is_refused_in_the_number_of_its_names() -> None:
    regimes = packaged()
    for names, what in (
        (("us-ca",), "the law us-ca does not hold for people in FR"),
        (("us-ca", "us-opt-out"), "none of the laws us-ca, us-opt-out holds for people in FR"),
    ):
        with pytest.raises(BadInput) as caught:
            regimes.check(names, "FR")
        assert caught.value.what == what
    regimes.check(("us-ca", "gdpr"), "FR")
    regimes.check(("us-ca",), None)
    regimes.check((), "FR")


def test_the_source_of_what_is_no_act_of_agreeing_is_the_laws_own_where_it_has_one() -> None:
    silent, speaking = read(""), read(section("[actions]", 'refused = ["hover"]'))
    of_others = Regimes({"house": silent.text}).rules(("house",)).sources["actions"]
    assert of_others in {found.general.sources.get("actions") for found in packaged()}
    assert Regimes({"house": speaking.text}).rules(("house",)).sources["actions"] == "we"


def test_a_section_that_is_written_as_another_shape_is_named() -> None:
    for words in ("needs = 3\n", '[needs]\ntrait = "sale"\nsource = "we"\n'):
        found = fault(words)
        assert (found.what, found.where) == ("not a list of tables", "house.toml [[needs]]")
    assert fault("[bundle]\nunheard = 3\n").mend == "known are: void, source"


@pytest.mark.parametrize(
    "source", ["", 'source = ""\n', "source = 3\n", 'source = "a\\u0007b"\n', 'source = "a\\nb"\n']
)
def test_a_source_is_a_line_that_people_can_read(source: str) -> None:
    assert fault(f'[actions]\nrefused = ["hover"]\n{source}').what == "a rule without its source"


def test_a_word_is_as_long_as_three_hundred_characters() -> None:
    assert set(read(SIGNAL.format("x" * 300)).general.signal_traits) == {"x" * 300}
    assert fault(SIGNAL.format("x" * 301)).what == "name is missing or unknown"
    assert fault(SIGNAL.format("")).what == "name is missing or unknown"


def test_what_may_stand_there_is_named_where_it_is_known() -> None:
    assert fault(SIGNAL.format("")).mend is None
    assert fault(section("[[age]]", 'below = 13\nneeds = "patience"')).mend == "one of both, guardian, own"
    assert fault(section("[bases]", 'allowed = ["contract", "because"]')).mend == (
        "of contract, legal-obligation, legitimate-interest, opt-out-notice, public-task, soft-opt-in, vital-interest"
    )
    assert fault(section("[actions]", "refused = [3]")).mend is None


@pytest.mark.parametrize("values", ["3", '"hover"', '[""]', "[3]", '["hover", 3]', '["hover", ""]', '[["hover"]]'])
def test_a_list_of_words_has_nothing_else_in_it(values: str) -> None:
    assert fault(section("[actions]", f"refused = {values}")).what == "refused is not a list of known words"


@pytest.mark.parametrize(("below", "well"), [(0, False), (1, True), (25, True), (26, False), (-1, False)])
def test_an_age_is_from_one_to_twenty_five(below: int, well: bool) -> None:
    words = section("[[age]]", f'below = {below}\nneeds = "own"')
    if well:
        assert [age.below for age in read(words).general.ages] == [below]
    else:
        assert fault(words).what == "below is not a whole number from 1 to 25"


@pytest.mark.parametrize("below", ["true", "13.0", '"13"'])
def test_an_age_is_a_whole_number(below: str) -> None:
    assert fault(section("[[age]]", f'below = {below}\nneeds = "own"')).what.startswith("below is not a whole number")


def rule_of(more: str, name: str) -> Any:
    """The one rule of its kind that a file makes."""
    (rule,) = getattr(read(more).general, name)
    return rule


def test_what_a_section_leaves_out_it_does_not_say() -> None:
    need = section("[[needs]]", 'trait = "sale"')
    assert (rule_of(need, "needs").consent, rule_of(need, "needs").bases) == (None, None)
    none = section("[[needs]]", 'trait = "sale"\nbases = []\nconsent = "explicit"')
    assert (rule_of(none, "needs").consent, rule_of(none, "needs").bases) == ("explicit", frozenset())
    clock = '[[clock]]\nrequest = "access"\nwithin = "1 month"\n{}source = "we"\n'
    assert read(clock.format("")).general.clocks["access"].extension is None
    assert str(read(clock.format('extension = "2 months"\n')).general.clocks["access"].extension) == "2 months"
    assert (read("").general.bases, read(section("[bases]", "")).general.bases) == (None, frozenset())
    held = '[[valid_for]]\ntrait = "*"\nperiod = "1 month"\n{}source = "we"\n'
    assert rule_of(held.format(""), "valid_for").refusals is False
    assert rule_of(held.format("refusals = true\n"), "valid_for").refusals is True
    assert fault(held.format("refusals = 1\n")).what == "refusals is neither true nor false"


def test_a_period_that_is_none_is_named_with_how_to_write_it() -> None:
    found = fault(section("[[valid_for]]", 'trait = "*"\nperiod = "soon"'))
    assert found.what == "period: not a period"
    assert (found.mend or "").startswith('write it like "6 months"')
