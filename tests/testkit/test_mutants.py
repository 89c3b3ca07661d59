"""The kit against channels that each break one rule: the check of that rule fails, and no other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stranger_mail import mutants, mutants_inbound, mutants_silent  # noqa: F401 (they register themselves)
from stranger_mail.good import FIXTURES, AsyncMail, Mail
from stranger_mail.registry import MUTANTS

from imp_core.manifest_file import MANIFEST_NAME, find_manifest
from imp_testkit import conformance
from imp_testkit.checks import CHECKS

pytestmark = [
    pytest.mark.enable_socket,
    pytest.mark.filterwarnings("ignore:deprecated key"),  # what one of them is found by
]
CASES = [(check, mutant) for check, bad in MUTANTS.items() for mutant in bad]


def failures(channel, fixtures, folder):
    """The names of the checks that fail, and what they said."""
    suite = conformance(channel, fixtures=fixtures)
    failed = {}
    for name in (name for name in vars(suite) if name.startswith("test_")):
        place = folder / name
        place.mkdir()
        try:
            getattr(suite(), name)(place)
        except pytest.fail.Exception as error:
            failed[name] = str(error)
    return failed


@pytest.mark.parametrize("channel", [Mail, AsyncMail])
def test_a_channel_that_keeps_every_rule_passes_every_check(channel, tmp_path):
    assert failures(channel, FIXTURES, tmp_path) == {}


@pytest.mark.parametrize(("check", "mutant"), CASES, ids=[mutant.__name__ for _, mutant in CASES])
def test_a_channel_that_breaks_a_rule_fails_the_check_of_that_rule_alone(check, mutant, tmp_path):
    channel, fixtures = (mutant, FIXTURES) if isinstance(mutant, type) else mutant()
    failed = failures(channel, fixtures, tmp_path)
    assert list(failed) == [check], failed
    rule = next(item.rule for item in CHECKS if item.name == check)
    said = failed[check]
    assert rule in said
    assert "found: " in said
    assert "mend: " in said


@pytest.mark.parametrize(("key", "method"), [("withdrawals", "withdrawn"), ("exposures", "exposed")])
def test_a_channel_that_hears_of_people_and_whose_manifest_does_not_say_so_fails(key, method, tmp_path, monkeypatch):
    package = tmp_path / "site" / f"stranger_without_{key}"
    package.mkdir(parents=True)
    said = find_manifest("stranger_mail").decode()
    assert f"{key} = true\n" in said
    (package / MANIFEST_NAME).write_text(said.replace(f"{key} = true\n", ""))
    monkeypatch.syspath_prepend(package.parent)
    failed = failures(Mail, replace(FIXTURES, package=package.name), tmp_path)
    assert list(failed) == ["test_its_manifest_says_what_the_channel_says"]
    assert f"{method}: the channel alone has True" in failed["test_its_manifest_says_what_the_channel_says"]


def test_every_check_has_a_channel_that_fails_it():
    assert {check.name for check in CHECKS} == set(MUTANTS)


def test_r10_a_channel_without_a_way_out_of_its_messages_fails_its_conformance_test(tmp_path):
    check = "test_a_person_can_withdraw_from_every_message"
    for number, mutant in enumerate(MUTANTS[check]):
        folder = tmp_path / str(number)
        folder.mkdir()
        channel, fixtures = (mutant, FIXTURES) if isinstance(mutant, type) else mutant()
        assert "Every marketing message carries its own way out" in failures(channel, fixtures, folder)[check]
    assert MUTANTS[check]
