"""What a file of law may say, to the letter: its places, its lists, its numbers, and the words of what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imp_consent.policy.regime import Regime, Regimes, packaged, parse_regime, register_regimes
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US
from imp_core.errors import BadInput
from tests.consent.law.conftest import Desk

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
    assert fault(section("[[age]]", 'below = 13\nneeds = "patience"')).mend == "one of both, guardian, nobody, own"
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


GENERAL_13 = (13, "guardian", "")
SALE_16 = (16, "own", "sale")


@pytest.mark.parametrize(
    ("ages", "derived"),
    [
        ([GENERAL_13, SALE_16], [(13, "guardian", "sale")]),
        ([(13, "both", ""), SALE_16], [(13, "both", "sale")]),
        ([GENERAL_13, (15, "both", ""), SALE_16], [(13, "guardian", "sale"), (15, "both", "sale")]),
        ([(16, "guardian", ""), SALE_16], []),  # the age of their own yes comes with the guardian's end
        ([(17, "guardian", ""), SALE_16], []),
        ([(13, "guardian", "profiling"), SALE_16], []),  # whose guardians speak of other uses
        ([(13, "guardian", "sale"), SALE_16], []),  # who speak of these uses as it is
        ([GENERAL_13, (16, "own", "")], []),  # an age for everything has no uses of its own
        ([GENERAL_13, (16, "guardian", "sale")], []),  # nobody says yes themselves
        ([(13, "own", ""), SALE_16], []),  # no guardian speaks at all
    ],
)
def test_guardians_speak_for_the_uses_that_are_a_persons_own_later_where_they_speak_for_all_until_an_earlier_age(
    ages: list[tuple[int, str, str]], derived: list[tuple[int, str, str]]
) -> None:
    text = "".join(
        section("[[age]]", f'below = {below}\nneeds = "{needs}"' + (f'\ntraits = ["{trait}"]' if trait else ""))
        for below, needs, trait in ages
    )
    found = [(age.below, age.needs, "".join(age.traits)) for age in read(text).general.ages]
    assert sorted(found) == sorted([*ages, *derived])


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


CLOCK = '[[clock]]\nrequest = "{}"\nwithin = "{}"\nsource = "we"\n'
ANSWER = '[[answer]]\nreasons = [{}]\nsource = "{}"\n'


@pytest.mark.parametrize(
    ("one", "other", "where", "what"),
    [
        (SIGNAL.format("gpc"), SIGNAL.format("gpc").replace("sale", "sharing"), "signal", "name"),
        (SIGNAL.format("gpc"), SIGNAL.format("gpc"), "signal", "name"),
        (CLOCK.format("access", "1 month"), CLOCK.format("access", "9 months"), "clock", "request"),
        (ANSWER.format('"lost"', "we"), ANSWER.format('"given", "lost"', "they"), "answer", "reasons"),
    ],
)
def test_two_tables_of_one_section_speak_of_one_thing_in_no_law_general_or_of_a_place(
    one: str, other: str, where: str, what: str
) -> None:
    in_france = {text: text.replace("[[", "[[jurisdiction.FR.") for text in (one, other)}
    for more, place in (
        (one + other, "house.toml"),
        (in_france[one] + in_france[other], "house.toml, jurisdiction FR"),
    ):
        found = fault(more)
        assert found.where == f"{place} [{where}]"
        assert found.what == f"{what} names what an earlier table of this section names"
        assert found.mend == "say all of it in one table, or as two laws"
    own = read(one + in_france[other])  # a place's section is instead of the general one
    assert set(own.jurisdictions) == {"FR"}


def test_tables_of_one_section_that_speak_of_several_things_are_all_law() -> None:
    assert set(read(SIGNAL.format("gpc") + SIGNAL.format("dnt")).general.signal_traits) == {"gpc", "dnt"}
    clocks = CLOCK.format("access", "1 month") + CLOCK.format("portability", "9 months")
    assert {name: str(clock.within) for name, clock in read(clocks).general.clocks.items()} == {
        "access": "1 month",
        "portability": "9 months",
    }
    sources = read(ANSWER.format('"lost"', "we") + ANSWER.format('"given"', "they")).general.sources
    assert (sources["lost"], sources["given"]) == ("we", "they")


def test_a_law_with_two_tables_of_one_name_is_not_put_in_force(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    path.write_text(HEAD + SIGNAL.format("gpc") + SIGNAL.format("gpc"), encoding="utf-8")
    refused = desk.consent("regime", "add", str(path))
    assert (refused.code, "[signal]" in refused.err, "in one table" in refused.err) == (2, True, True), refused.err
    path.write_text(HEAD + SIGNAL.format("gpc"), encoding="utf-8")
    desk.consent("regime", "add", str(path)).ok()


def test_what_is_shipped_speaks_of_each_thing_once() -> None:
    for text in packaged().texts.values():
        assert parse_regime(text).text == text


def test_a_law_of_an_older_ledger_that_speaks_of_one_thing_twice_is_read_and_held_to_both() -> None:
    signals = SIGNAL.format("gpc") + SIGNAL.format("gpc").replace("sale", "sharing")
    longer = CLOCK.format("access", "2 months").replace("source", 'extension = "1 month"\nsource')
    clocks = longer + CLOCK.format("access", "1 month").replace('"we"', '"they"')
    answers = ANSWER.format('"lost", "lost"', "we") + ANSWER.format('"given", "lost"', "they")
    text = (HEAD + signals + clocks + answers).encode()
    found = Regimes({"house": text}).regime("house").general
    assert found.signal_traits == {"gpc": {"sale", "sharing"}}
    assert (found.clocks["access"].within.after(0), found.clocks["access"].extension) == (31 * DAY_US, None)
    assert found.clocks["access"].source == "we; they"
    assert (found.sources["lost"], found.sources["given"]) == ("we; they", "they")


def test_people_withdraw_under_a_stored_law_that_speaks_of_one_thing_twice_and_it_can_be_mended(
    desk: Desk, tmp_path: Path
) -> None:
    text = HEAD + SIGNAL.format("gpc") + SIGNAL.format("gpc").replace("sale", "sharing")
    with open_log(desk.shop).write() as transaction:
        register_regimes(transaction, [*packaged(), parse_regime(text.encode(), stored=True)])
    desk.record("analytics", "given").ok()
    desk.record("analytics", "withdrawn").ok()
    assert "house" in desk.consent("regime", "list").ok().out
    path = tmp_path / "house.toml"
    path.write_text(text, encoding="utf-8")
    assert desk.consent("regime", "add", str(path)).code == 2, "it is not put in force anew"
    path.write_text(HEAD + SIGNAL.format("gpc"), encoding="utf-8")
    desk.consent("regime", "add", str(path)).ok()
    desk.record("analytics", "given").ok()
