"""What plugins are written against stays, says since when it is there, and is what docs/reference.md shows."""

from __future__ import annotations

import copy
import importlib
import inspect
import json
import re
import subprocess
import sys

import pytest

from imp_core import channel, hookspecs
from imp_core.channel import METHODS, Batch, ChannelContext

FIRST = "hooks-0.1.json"
SINCE = re.compile(r"\(since \d+\.\d+\)")


@pytest.fixture
def reader(project_folder, monkeypatch):
    """The module docs/signatures.py."""
    monkeypatch.syspath_prepend(project_folder / "docs")
    yield importlib.import_module("signatures")
    del sys.modules["signatures"]


@pytest.fixture
def promised(project_folder):
    """The signatures of the first release."""
    return json.loads((project_folder / "tests" / "architecture" / FIRST).read_text(encoding="utf-8"))


def generate(folder, *words):
    program = folder / "docs" / "generate_reference.py"
    return subprocess.run([sys.executable, program, *words], capture_output=True, text=True, check=False)


def undocumented(function):
    """What a hook or method does not say of itself."""
    text = inspect.getdoc(function) or ""
    found = [] if text.split("(since")[0].strip() else ["what it is for"]
    found += [] if SINCE.search(text) else ["since when"]
    signature = inspect.signature(function)
    arguments = [item for item in signature.parameters.values() if item.name != "self"]
    found += [f"the type of {item.name}" for item in arguments if item.annotation is inspect.Parameter.empty]
    return found + (["what it returns"] if signature.return_annotation is inspect.Signature.empty else [])


def broken(promised, now):
    """Where what is now breaks what was promised: something gone, changed, or added where it has to be given."""
    found = []
    for kind, rule in (("hooks", grown), ("errors", grown), ("methods", same), ("types", grown_type), ("values", kept)):
        for name, before in promised[kind].items():
            after = now[kind].get(name)
            found += [f"{name} is gone"] if after is None else [f"{name}: {text}" for text in rule(before, after)]
    return found


def same(before, after):
    return [] if before == after else ["its signature has changed"]


def grown(before, after):
    changed = ["what it returns has changed"] if before["returns"] != after["returns"] else []
    order = list(after["arguments"])[: len(before["arguments"])] == list(before["arguments"])
    return (
        changed
        + ([] if order else ["its arguments are in another order"])
        + grown_type(before["arguments"], after["arguments"])
    )


def grown_type(before, after):
    found = [f"{name} has changed or is gone" for name, written in before.items() if after.get(name) != written]
    return found + [f"{name} has no default" for name in after.keys() - before.keys() if " = " not in after[name]]


def kept(before, after):
    return [f"{value} is gone" for value in before if value not in after]


def test_every_hook_and_channel_method_says_what_it_is_for_since_when_and_with_what(reader):
    context = reader.functions(channel.DeliveryContext)
    found = {name: undocumented(item) for name, item in (reader.hooks() | reader.methods() | context).items()}
    assert {name: missing for name, missing in found.items() if missing} == {}


def test_a_hook_or_method_that_says_too_little_is_found():
    def silent(self, ctx, batch: Batch): ...

    def undated(self, ctx: ChannelContext) -> None:
        """Do it."""

    assert undocumented(silent) == ["what it is for", "since when", "the type of ctx", "what it returns"]
    assert undocumented(undated) == ["since when"]


def test_everything_public_of_the_contract_is_in_the_reference(reader):
    listed = {kind.__name__ for kinds in reader.TYPES.values() for kind in kinds}
    listed |= {kind.__name__ for kind in (*reader.CAPABILITIES.values(), *reader.ERRORS)}
    classes = {name for name in channel.__all__ if inspect.isclass(getattr(channel, name))}
    assert classes | {"CommandRef", "KeyProvider", "RuntimeProvider", "Veto", "VetoAction"} <= listed
    assert set(reader.methods()) == {"check", "forget", *(name for names in METHODS.values() for name in names)}
    assert set(reader.hooks()) == {name for name in vars(hookspecs) if name.startswith("imp_")}


def test_every_type_of_the_contract_has_a_docstring_of_its_own(reader):
    kinds = [kind for kinds in reader.TYPES.values() for kind in kinds] + list(reader.ERRORS)
    # A dataclass without one is given its signature for a docstring.
    bare = {kind.__name__ for kind in kinds if (kind.__doc__ or "").startswith(f"{kind.__name__}(") or not kind.__doc__}
    assert bare == set()


def test_the_reference_is_what_the_code_says(project_folder):
    done = generate(project_folder, "--check")
    assert done.returncode == 0, done.stderr


def test_a_signature_missing_in_the_reference_is_found(project_folder, tmp_path):
    for name in ("generate_reference.py", "signatures.py", "reference.md"):
        (tmp_path / "docs").mkdir(exist_ok=True)
        (tmp_path / "docs" / name).write_text((project_folder / "docs" / name).read_text())
    page = tmp_path / "docs" / "reference.md"
    page.write_text(page.read_text().replace("imp_veto(action: VetoAction)", "imp_veto()"))
    assert generate(tmp_path, "--check").returncode == 1
    assert generate(tmp_path).returncode == 0
    assert page.read_text() == (project_folder / "docs" / "reference.md").read_text()


def test_every_hook_s_and_method_s_signature_stands_in_the_reference(reader, project_folder):
    page = (project_folder / "docs" / "reference.md").read_text(encoding="utf-8")
    for item in (reader.hooks() | reader.methods()).values():
        assert f"```py\n{reader.read_call(item)}\n```" in page


def test_the_contract_of_the_first_release_is_kept(reader, promised):
    assert broken(promised, json.loads(json.dumps(reader.signatures()))) == []


@pytest.mark.parametrize(
    ("path", "written", "problem"),
    [
        (("hooks", "imp_veto", "arguments", "more"), "int", "imp_veto: more has no default"),
        (("hooks", "imp_veto", "arguments", "more"), "int = 0", None),
        (("hooks", "imp_veto", "arguments", "action"), "str", "imp_veto: action has changed or is gone"),
        (("hooks", "imp_veto", "returns"), "Veto", "imp_veto: what it returns has changed"),
        (("hooks", "imp_veto"), None, "imp_veto is gone"),
        (("hooks", "imp_more"), {"arguments": {"a": "int"}, "returns": "int"}, None),
        (("methods", "poll", "arguments", "more"), "int = 0", "poll: its signature has changed"),
        (("methods", "poll"), None, "poll is gone"),
        (("types", "Batch", "more"), "int", "Batch: more has no default"),
        (("types", "Batch", "more"), "int = 0", None),
        (("types", "Batch", "rows"), None, "Batch: rows has changed or is gone"),
        (("types", "RateLimit", "burst"), "int = 7", "RateLimit: burst has changed or is gone"),
        (("errors", "Retryable", "arguments", "after"), "float", "Retryable: after has changed or is gone"),
        (("values", "Support"), ["full", "none", "unknown"], "Support: partial is gone"),
        (("values", "Support"), ["full", "partial", "none", "unknown", "more"], None),
    ],
)
def test_a_change_that_would_break_a_plugin_is_found(promised, path, written, problem):
    now = copy.deepcopy(promised)
    place = now
    for name in path[:-1]:
        place = place[name]
    if written is None:
        del place[path[-1]]
    else:
        place[path[-1]] = written
    assert broken(promised, now) == ([] if problem is None else [problem])
