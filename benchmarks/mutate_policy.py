"""Mutation testing of the fold: one change after another in the code that decides, each of which a test must notice.

Every comparison, boolean word, membership, constant and `return` of the chosen files is changed by itself, in memory; a
child process then runs the fold's own tests (the clerk's property tests among them) with the changed module in the
place of the real one. A change that no test notices is a survivor, listed with its line. Usage:

uv run poe mutate-policy [--files words scope state cuts] [--processes 2] [--only LINE] [--json]
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent
_POLICY = _PROJECT / "consent" / "imp_consent" / "policy"
_FILES = ("words", "scope", "state", "cuts", "decide")
# The quick ones first: the first test that fails ends a mutant.
_TESTS = (
    "test_state.py", "test_cuts.py", "test_requirements.py",
    "test_forms_agree.py::test_the_fold_answers_as_the_clerk_does_at_every_point_of_time_and_knowledge",
)  # fmt: skip
_PLUGIN = """
import importlib.abc, importlib.util, os, sys

class Changed(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == os.environ["MUTATED_MODULE"]:
            return importlib.util.spec_from_file_location(name, os.environ["MUTATED_FILE"])

sys.meta_path.insert(0, Changed())
"""
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: the file, the line, what it was and what it is."""

    file: str
    line: int
    was: str
    now: str
    source: str

    @property
    def place(self) -> str:
        """Where and what, in one line."""
        return f"{self.file}.py:{self.line}: {self.was}  →  {self.now}"


def main(words: Sequence[str] | None = None) -> int:
    """Try every mutant; 1 where one survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", nargs="+", default=list(_FILES), choices=_FILES)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", type=int, help="only changes of this line")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(words)
    began = time.perf_counter()
    mutants = [m for file in chosen.files for m in mutants_of(file) if chosen.only in {None, m.line}]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(chosen.processes) as pool:
        folder = Path(name)
        (folder / "changed_module.py").write_text(_PLUGIN, encoding="utf-8")
        noticed = list(pool.map(lambda pair: _notices(folder, *pair), enumerate(mutants)))
    survivors = [mutant.place for mutant, seen in zip(mutants, noticed, strict=True) if not seen]
    if chosen.json:
        print(json.dumps({"mutants": len(mutants), "killed": len(mutants) - len(survivors), "survivors": survivors}))
    else:
        print(f"{len(mutants)} mutants, {len(survivors)} survived, {time.perf_counter() - began:.0f} s")
        print("\n".join(survivors))
    return int(bool(survivors))


def mutants_of(file: str) -> Iterator[Mutant]:
    """Every change of one file of the policy."""
    source = (_POLICY / f"{file}.py").read_text(encoding="utf-8")
    for number in range(len(list(_places(ast.parse(source))))):
        tree = ast.parse(source)
        node = list(_places(tree))[number]
        was, line = ast.unparse(node), node.lineno
        now = _change(tree, node)
        if now is not None:
            yield Mutant(file, line, was, now, ast.unparse(tree))


def _places(tree: ast.AST) -> Iterator[ast.expr | ast.Return]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for part in node.body:
                yield from _parts(part)


def _parts(statement: ast.AST) -> Iterator[ast.expr | ast.Return]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Compare | ast.BoolOp) or _is_changeable(node):
            yield node  # type: ignore[misc]  # what is changeable is one of the two


def _is_changeable(node: ast.AST) -> bool:
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not)
    if isinstance(node, ast.Constant):
        return type(node.value) in {int, bool}
    return isinstance(node, ast.Return) and isinstance(node.value, ast.Constant | ast.Name)


def _change(tree: ast.AST, node: ast.expr | ast.Return) -> str | None:
    """Change a node in place; how it reads then, None where nothing sensible can be changed."""
    if isinstance(node, ast.Compare):
        node.ops[0] = _OPPOSITE[type(node.ops[0])]()
    elif isinstance(node, ast.BoolOp):
        node.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
    elif isinstance(node, ast.UnaryOp):
        _replace(tree, node, node.operand)
        return ast.unparse(node.operand)
    elif isinstance(node, ast.Constant):
        node.value = not node.value if isinstance(node.value, bool) else node.value + 1
    elif isinstance(node.value, ast.Constant) and type(node.value.value) is not bool:
        return None
    else:
        node.value = ast.Constant(None)
    return ast.unparse(node)


def _replace(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and old in value:
                value[value.index(old)] = new


def _notices(folder: Path, number: int, mutant: Mutant) -> bool:
    file = folder / f"mutant{number}.py"
    file.write_text(mutant.source, encoding="utf-8")
    environ = {
        **os.environ,
        "MUTATED_MODULE": f"imp_consent.policy.{mutant.file}",
        "MUTATED_FILE": str(file),
        "PYTHONPATH": str(folder),
    }
    tests = [f"tests/consent/policy/{name}" for name in _TESTS]
    command = [
        sys.executable, "-m", "pytest", "-x", "-q", "-p", "changed_module", "-p", "no:xdist", "-p", "no:randomly",
        "-p", "no:cacheprovider", *tests,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=_PROJECT, env=environ, capture_output=True, timeout=600, check=False)
    return done.returncode != 0


if __name__ == "__main__":
    sys.exit(main())
