"""The class that `conformance` makes: which checks it has, and what pytest says of it."""

from __future__ import annotations

from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import pytest
from stranger_mail.good import FIXTURES, INFO, Mail

from imp_core.channel import Capability, ChannelInfo, Support
from imp_core.event import SignalKind
from imp_testkit import Fault, Fixtures, HttpSink, Inbound, conformance
from imp_testkit.checks import CHECKS

pytest_plugins = ["pytester"]

STRANGERS = Path(__file__).parent / "strangers"


def names(suite):
    return {name for name in vars(suite) if name.startswith("test_")}


class Ears(Mail):
    """It only takes in."""

    info = ChannelInfo(**{**INFO, "supports": {Capability.INGEST: Support.FULL}})
    plan = deliver = sync_audience = send_conversions = poll = report = withdrawn = exposed = None


def test_a_check_that_does_not_apply_is_not_there():
    assert names(conformance(Mail, fixtures=FIXTURES)) == {check.name for check in CHECKS}
    few = names(conformance(Ears, fixtures=replace(FIXTURES, peer=None)))
    assert "test_inbound_signals_only_reduce_permission" in few
    assert "test_forget_answers_every_row_and_may_be_repeated" in few
    assert not {name for name in few if "plan" in name or "peer" in name or "spend" in name or "audience" in name}


def test_a_fault_the_peer_cannot_play_takes_its_check_along():
    suite = names(conformance(Mail, fixtures=replace(FIXTURES, faults=(Fault.REFUSES,))))
    assert "test_a_row_the_peer_refuses_costs_no_other" in suite
    assert "test_a_peer_that_hangs_costs_its_batch_alone" not in suite


def test_what_a_channel_keeps_is_looked_at_only_where_it_can_be(tmp_path):
    unseen = conformance(Mail, fixtures=replace(FIXTURES, remembers=None))
    assert "test_forget_leaves_no_handle_behind" not in names(unseen)
    suite = conformance(Ears, fixtures=replace(FIXTURES, peer=None))
    assert "test_forget_leaves_no_handle_behind" not in names(suite)
    with pytest.raises(pytest.fail.Exception, match="a channel that is handed nobody"):
        suite().test_the_fixtures_bring_what_the_checks_need(tmp_path)


def test_every_check_is_a_sentence_with_a_rule():
    for check in CHECKS:
        assert check.name.startswith("test_")
        assert check.rule.endswith(".")
        assert len(check.name.split("_")) > 4


@pytest.mark.enable_socket
def test_a_word_that_is_heard_is_a_way_out(tmp_path):
    class StopWord(Mail):
        def message(self, ctx, batch, row):
            return {**super().message(ctx, batch, row), "text": "A made-up text. STOP ends it"}

    line = b'{"kind": "stop", "email": "ann@shop.example", "at": 1772366400000000}\n'
    stop = Inbound(name="stop.jsonl", content=line, expects=[SignalKind.STOP])
    fixtures = replace(FIXTURES, stop_word="STOP", inbound=[stop])
    suite = conformance(StopWord, fixtures=fixtures)
    suite().test_a_person_can_withdraw_from_every_message(tmp_path)
    suite().test_inbound_yields_what_its_source_holds(tmp_path)


def test_pytest_runs_the_class_and_names_rule_and_mend(pytester):
    pytester.makeini(f"[pytest]\naddopts = --import-mode=importlib -p no:randomly\npythonpath = {STRANGERS}")
    pytester.makepyfile(
        test_it="""
        from stranger_mail.good import FIXTURES
        from stranger_mail.mutants import NoWayOut
        from imp_testkit import conformance

        TestNoWayOut = conformance(NoWayOut, fixtures=FIXTURES)
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=len(CHECKS) - 1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*TestNoWayOut.test_a_person_can_withdraw_from_every_message*",
            "Every marketing message carries its own way out*",
            "  found: a message without a way out",
            "  mend: put row.unsubscribe into it*",
        ]
    )
    assert "Traceback" not in result.stdout.str()


@pytest.mark.enable_socket
def test_what_the_channel_raised_is_told_to_its_author(tmp_path):
    class Broken(Mail):
        def forget(self, *_):
            raise KeyError("somewhere")

    with pytest.raises(pytest.fail.Exception, match=r"raised KeyError: KeyError\('somewhere'\)"):
        conformance(Broken, fixtures=FIXTURES)().test_forget_answers_every_row_and_may_be_repeated(tmp_path)


def ask(sink, key="k1", body=b'{"to": "ann@mail.example"}', path="/messages"):
    connection = HTTPConnection("127.0.0.1", sink.settings["port"], timeout=5)
    try:
        connection.request("POST" if body else "GET", path, body, {"Idempotency-Key": key})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.enable_socket
def test_the_sink_takes_a_key_once_and_remembers_every_message():
    with HttpSink() as sink:
        assert [ask(sink)[0], ask(sink)[0], ask(sink, "k2")[0], ask(sink, body=b"")[0]] == [200] * 4
        assert [seen.accepted for seen in sink.seen] == [True, False, True]
        assert sink.seen[0].headers["idempotency-key"] == "k1"
        assert "ann@mail.example" in sink.seen[0].text


@pytest.mark.enable_socket
def test_the_sink_fails_as_it_is_told_and_repeats_what_was_sent():
    with HttpSink(messages="/messages", answers={Fault.TEMPORARY: 429}) as sink:
        sink.fail(Fault.TEMPORARY, times=1)
        assert [ask(sink)[0], ask(sink)[0]] == [429, 200]
        sink.fail(Fault.REFUSES, address="bob@mail.example")
        code, words = ask(sink, "k3", b'{"to": "bob@mail.example"}')
        assert (code, b"bob@mail.example" in words) == (422, True)
        assert ask(sink, "k4")[0] == 200
        sink.fail(Fault.CREDENTIALS)
        assert [ask(sink, "k5")[0], ask(sink, body=b"")[0]] == [401, 401]
        sink.fail(None)
        assert ask(sink, "k6", path="/login")[0] == 200
    assert [seen.accepted for seen in sink.seen] == [False, True, False, True, False]


def test_the_sink_answers_in_its_block_only():
    with pytest.raises(RuntimeError, match="`with` block"):
        _ = HttpSink().settings


def test_fixtures_show_no_secret():
    assert "kit-secret" not in repr(Fixtures(package="x", secrets={"api_key": "kit-secret-7f31"}))


def test_the_readme_lists_every_rule(project_folder):
    text = (project_folder / "plugins" / "testkit" / "README.md").read_text(encoding="utf-8")
    assert [check.name for check in CHECKS if f"- `{check.name}`: {check.rule}\n" not in text] == []
    assert text.count("- `test_") == len(CHECKS)


def fails(channel, name, folder, **fields):
    """What the check `name` says of a channel that does not keep it."""
    with pytest.raises(pytest.fail.Exception) as failed:
        getattr(conformance(channel, fixtures=replace(FIXTURES, **fields))(), name)(folder)
    return str(failed.value)


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    "name",
    [
        "test_every_row_is_accepted_and_reaches_the_peer_once",
        "test_rows_end_accepted_once_after_a_temporary_fault",
        "test_every_row_is_answered_once_by_its_key",
    ],
)
def test_where_deliver_simply_raises_that_is_the_finding(tmp_path, name):
    class Raises(Mail):
        def message(self, *_):
            return {}["somewhere"]

    told = fails(Raises, name, tmp_path).splitlines()
    assert "raised KeyError at stranger_mail/good.py:" in told[1]
    assert told[1].startswith("  found: ")
    assert ("mend: look where it was raised" in told[-1]) == (
        name != "test_rows_end_accepted_once_after_a_temporary_fault"
    )
    assert not any('addresses = "resolve"' in line for line in told)


@pytest.mark.enable_socket
def test_a_report_that_leaves_out_rows_is_mended_by_settling_them(tmp_path):
    class Silent(Mail):
        def settle(self, *_):
            pass

    told = fails(Silent, "test_every_row_is_accepted_and_reaches_the_peer_once", tmp_path)
    assert "the report leaves out rows" in told
    assert "mend: call ctx.settle for each row, or return it in the report" in told


@pytest.mark.enable_socket
def test_only_secrets_the_manifest_names_are_handed_over_and_others_are_named(tmp_path):
    seen = []

    class Asks(Mail):
        def check(self, ctx):
            seen.append(dict(ctx.secrets))
            return super().check(ctx)

    secrets = {"api_key": "made-up", "other": "made-up too"}
    told = fails(Asks, "test_the_fixtures_bring_what_the_checks_need", tmp_path, secrets=secrets)
    assert "found: Fixtures.secrets that the manifest does not name: other\n" in told
    conformance(Asks, fixtures=replace(FIXTURES, secrets=secrets))().test_check_answers_and_delivers_nothing(tmp_path)
    assert seen == [{"api_key": "made-up"}]
