"""What commands share: how answers are printed, how long work shows itself, and what a context hands out."""

from __future__ import annotations

import enum
import io
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from imp_core.command import emit, lines, progress, to_json
from imp_core.context import Context, load_target
from imp_core.errors import BadInput, ImpError, PluginBroken, WorkspaceMissing
from imp_core.randomness import SeededRandomness, SystemRandomness


class Colour(enum.StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Inner:
    estimate: float | None


@dataclass(frozen=True, slots=True)
class Result:
    name: str
    parts: tuple[Inner, ...]
    extra: Mapping[str, object]


def test_a_result_is_printed_as_json_with_null_for_what_is_unknown():
    result = Result("读数", (Inner(1.5), Inner(math.nan), Inner(None)), {"colour": Colour.RED, "path": Path("a/b")})
    assert json.loads(to_json(result)) == {
        "name": "读数",
        "parts": [{"estimate": 1.5}, {"estimate": None}, {"estimate": None}],
        "extra": {"colour": "red", "path": "a/b"},
    }
    assert "读数" in to_json(result)


def test_infinity_is_no_answer():
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"estimate": math.inf})


@pytest.mark.parametrize(("as_json", "shown"), [(True, '{\n  "a": 1\n}\n'), (False, "text\n")])
def test_an_answer_is_json_or_text(capsys, as_json, shown):
    emit({"a": 1}, "text", as_json=as_json)
    emit({"a": 1}, lambda: "text", as_json=as_json)
    assert capsys.readouterr().out == shown * 2


def test_names_and_values_are_aligned():
    assert lines({"a": 1, "long": "x"}) == "a     1\nlong  x"
    assert lines({}) == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_counts_on_a_terminal_and_is_silent_elsewhere(monkeypatch):
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        monkeypatch.setattr(sys, "stderr", stream)
        with progress("rows", every=10) as shown:
            for _ in range(25):
                shown.advance()
        with progress("nothing"):
            pass
    assert terminal.getvalue() == "\rrows: 10 \rrows: 20 \rrows: 25 \n"
    assert pipe.getvalue() == ""


@pytest.mark.parametrize("target", ["nowhere:x", "imp_core.errors:Nothing", "imp_core.errors:"])
def test_a_target_that_is_not_there_is_named(target):
    with pytest.raises(PluginBroken, match="cannot load") as caught:
        load_target(target)
    assert target in str(caught.value)
    assert load_target("imp_core.errors:BadInput") is BadInput


@pytest.mark.parametrize("kind", ["view", "ledger", "assigner"])
def test_what_nobody_provides_is_breakage_with_a_mend(context, workspace, kind):
    context.without = ("consent", "experiments", "demo")
    with pytest.raises(ImpError, match=rf"no plugin provides the {kind}; install imp-core\[all\]"):
        getattr(context, kind)


def test_outside_a_workspace_there_is_no_gate_to_ask(context):
    with pytest.raises(WorkspaceMissing):
        _ = context.gate


def test_a_context_closes_what_was_opened_through_it_once(context):
    closed = []

    class Opened:
        def close(self):
            closed.append(self)

    opened = Opened()
    context.shared.update(a=opened, b="nothing to close")
    context.close()
    context.close()
    assert closed == [opened]


def test_the_actor_is_unknown_where_the_system_knows_no_login(tmp_path, monkeypatch):
    def nobody():
        raise OSError

    monkeypatch.setattr("getpass.getuser", nobody)
    assert Context(environ={}, directory=tmp_path).actor == "unknown"
    assert Context(environ={"IMP_ACTOR": "bob"}, directory=tmp_path).actor == "bob"


def test_seeded_randomness_repeats_and_the_systems_does_not():
    one, again, other = SeededRandomness(1), SeededRandomness(1), SeededRandomness(2)
    stream = [one.token(n) for n in (1, 40, 0, 32)]
    assert [len(token) for token in stream] == [1, 40, 0, 32]
    assert stream == [again.token(n) for n in (1, 40, 0, 32)]
    assert stream[1] != other.token(40)
    assert stream[3] != stream[1][:32]
    assert SystemRandomness().token(16) != SystemRandomness().token(16)
