"""When two persons are needed, as imp.toml says it: each setting stands for itself, and the doctor finds a slip."""

from __future__ import annotations

import pytest

ROTATE = ("keys", "rotate", "pepper", "--execute")
ONE = ("consent", "erase", "member:0", "--execute")
TWO = ("consent", "erase", "member:1", "member:2", "--execute")


@pytest.fixture
def shop(imp_here, tmp_path):
    """Twelve members, and `shop(policy)`, which writes [policy] and gives the command line."""
    imp_here("init", tmp_path / "workspace", "--controller", "Shop Ltd").ok()
    for who in range(12):
        imp_here("consent", "record", f"member:{who}", "--purpose", "analytics", "--state", "given").ok()

    def under(policy):
        with (tmp_path / "workspace" / "imp.toml").open("a", encoding="utf-8") as file:
            file.write(f"\n[policy]\n{policy}\n")
        return imp_here

    return under


def two_persons(imp):
    (check,) = [one for one in imp("doctor", "--json").json["checks"] if one["name"] == "two persons"]
    return check["ok"], check["detail"]


@pytest.mark.parametrize("policy", ["two_persons_above = 1", "two_persons = false\ntwo_persons_above = 1"])
def test_a_limit_on_erasing_is_in_force_by_itself(shop, policy):
    imp = shop(policy)
    assert two_persons(imp) == (True, "two persons for erasing more than 1 person at a time")
    refused = imp(*TWO)
    assert (refused.code, "two persons are needed" in refused.err) == (1, True)
    imp(*ROTATE).ok()
    imp(*ONE).ok()


def test_two_persons_alone_is_for_keys_and_more_than_ten_people(shop):
    imp = shop("two_persons = true")
    assert two_persons(imp) == (True, "two persons for changes of keys and erasing more than 10 people at a time")
    assert imp(*ROTATE).code == 1
    imp(*TWO).ok()
    everybody = imp("consent", "erase", *(f"member:{who}" for who in range(12) if who not in {1, 2}), "--execute")
    assert everybody.code == 0, "ten people"


def test_without_either_one_person_does_it(shop):
    imp = shop('jurisdiction = "IE"')
    assert two_persons(imp) == (True, "one person changes keys, and erases any number of people")
    imp(*ROTATE).ok()
    imp(*TWO).ok()


@pytest.mark.parametrize(
    ("policy", "named"),
    [
        ('two_persons_above = "viele"', "two_persons_above"),
        ("two_persons_above = 0", "two_persons_above"),
        ("two_persons_above = -1", "two_persons_above"),
        ("two_persons_above = 1.5", "two_persons_above"),
        ("two_persons_above = true", "two_persons_above"),
        ("two_persons = 1", "two_persons"),
        ('two_persons = "yes"\ntwo_persons_above = 5', "two_persons"),
    ],
)
def test_a_slip_is_refused_and_found_by_the_doctor_and_keeps_nobody_from_their_own_erasure(shop, policy, named):
    imp = shop(policy)
    ok, detail = two_persons(imp)
    assert (ok, f"imp.toml, [policy] {named}: not" in detail) == (False, True)
    assert imp("doctor").code == 1
    for words in (TWO, ROTATE):
        refused = imp(*words, "--json")
        assert (refused.code, refused.json["error"]["where"]) == (2, f"imp.toml, [policy] {named}")
        assert refused.json["error"]["mend"]
    imp(*ONE).ok()
