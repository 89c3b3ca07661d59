"""Mutation testing of the code that decides: one change after another, each of which a test must notice.

Every comparison, boolean word, choice, membership, constant and `return` of the chosen files is changed by itself, in
memory, `min`, `max`, `any` and `all` become their opposites and a `raise` is left out; a child process then runs the
tests of that file with the changed module in the place of the real one. A change that no test notices is a survivor;
those that `docs/mutation.md` explains are counted, the others listed. Usage:

uv run poe mutate-policy [--files words scope …] [--processes 2] [--only LINE …] [--sample N --seed S] [--json]
uv run poe mutate-policy --check-page   # nothing is run: is the page about code that is there, has every file tests?
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import json
import multiprocessing
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.changed_module import ChangedModule
from benchmarks.tests_of_policy import TESTS_OF

_PROJECT = Path(__file__).resolve().parent.parent
_POLICY = _PROJECT / "consent" / "imp_consent" / "policy"
_TESTS = _PROJECT / "tests" / "consent"
_PAGE = _PROJECT / "docs" / "mutation.md"
# | words.py | `the line` | `what was` → `what is` | why |
_ROW = re.compile(r"\| (\w+)\.py \| `(.+?)` \| `(.+?)` → `(.+?)` \| .+ \|")
# What no test changes: loaded once, and every child has it.
# Not hypothesis: pytest rewrites the assertions of its plugins as it loads them.
_PRELOADED = ["sqlmodel", "cryptography.x509", "duckdb", "pyarrow", "phonenumbers", "pytest", "_pytest.doctest"]
_LIMIT_S = 600
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_OTHER_SIGN: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_OTHER_NAME = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """One change: the file, the line's number and text, what it was and what it is."""

    file: str
    line: int
    text: str
    was: str
    now: str
    source: str

    @property
    def place(self) -> str:
        """Where and what, in one line."""
        return f"{self.file}.py:{self.line}: {self.text}\n    {self.was}  →  {self.now}"

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What the page names it by."""
        return self.file, self.text, self.was, self.now


def main(words: Sequence[str] | None = None) -> int:
    """Try every mutant, or a sample; 1 where one survived that the page does not explain."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", nargs="+", default=list(TESTS_OF), choices=TESTS_OF)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", type=int, nargs="+", help="only changes of these lines")
    parser.add_argument("--sample", type=int, help="at most so many changes of each file, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--page", type=Path, default=_PAGE, help="what explains survivors")
    parser.add_argument("--check-page", action="store_true", help="list what it explains in vain")
    chosen = parser.parse_args(words)
    known = explained(chosen.page)
    if chosen.check_page:
        return _check_page(known)
    began = time.perf_counter()
    mutants = [m for file in chosen.files for m in _chosen(file, chosen.only, chosen.sample, chosen.seed)]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(chosen.processes) as pool:
        folder = Path(name)
        _start_server()
        _check_unchanged(folder, chosen.files)
        survived, left = 0, []
        for mutant, seen in zip(
            mutants, pool.map(lambda pair: _notices(folder, *pair), enumerate(mutants)), strict=True
        ):
            survived += not seen
            if not seen and mutant.key not in known:
                left.append(mutant.place)
                print(mutant.place, file=sys.stderr, flush=True)  # it takes long: each as it is found
    counts = {"mutants": len(mutants), "survived": survived, "explained": survived - len(left)}
    if chosen.json:
        print(json.dumps({**counts, "unexplained": left}))
    else:
        print(", ".join(f"{n} {what}" for what, n in counts.items()), f"in {time.perf_counter() - began:.0f} s")
    return int(bool(left))


def explained(page: Path = _PAGE) -> set[tuple[str, ...]]:
    """The survivors that the page explains: file, line, what was, what is."""
    rows = (_ROW.fullmatch(line) for line in page.read_text(encoding="utf-8").splitlines())
    return {tuple(word.replace("\\|", "|") for word in row.groups()) for row in rows if row}


def _check_page(known: set[tuple[str, ...]]) -> int:
    """Say which changes of a page can no longer be made, and which files have no tests; 1 where there are any."""
    there = {mutant.key for file in {row[0] for row in known} & TESTS_OF.keys() for mutant in mutants_of(file)}
    stale = sorted(known - there)
    print(f"{len(known)} changes explained, {len(stale)} of them of lines that are not there any more")
    for file, text, was, now in stale:
        print(f"{file}.py: {text}\n    {was}  →  {now}")
    files = {path.stem for path in _POLICY.glob("*.py")}
    untested = sorted(file for file in files - TESTS_OF.keys() if any(mutants_of(file)))
    for file in untested:
        print(f"{file}.py: which tests are its own is not said in benchmarks/tests_of_policy.py")
    return int(bool(stale or untested))


def _chosen(file: str, only: Sequence[int] | None, sample: int | None, seed: int) -> list[Mutant]:
    found = [mutant for mutant in mutants_of(file) if only is None or mutant.line in only]
    if sample is None or sample >= len(found):
        return found
    drawn = random.Random(f"{seed} {file}").sample(range(len(found)), sample)
    return [found[at] for at in sorted(drawn)]


def mutants_of(file: str) -> Iterator[Mutant]:
    """Every change of one file of the policy."""
    source = (_POLICY / f"{file}.py").read_text(encoding="utf-8")
    lines = source.splitlines()
    for number, (_, change) in enumerate(_places(ast.parse(source))):
        tree = ast.parse(source)
        node, _ = list(_places(tree))[number]
        was, line = ast.unparse(node), node.lineno
        now = _change(tree, node, change)
        yield Mutant(file, line, lines[line - 1].strip(), was, now, ast.unparse(tree))


def _places(tree: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, int]]:
    """Each node that can be changed, as often as it can, with the number of the change; annotations are only read."""
    read = [getattr(node, name, None) for node in ast.walk(tree) for name in ("annotation", "returns")]
    told = {id(part) for annotation in read if annotation is not None for part in ast.walk(annotation)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for part in node.body:
                for found in ast.walk(part):
                    if isinstance(found, ast.expr | ast.stmt) and id(found) not in told:
                        yield from ((found, change) for change in range(_changes(found)))


def _changes(node: ast.expr | ast.stmt) -> int:
    """In how many ways a node is changed."""
    match node:
        case ast.Compare(ops=ops):
            return len(ops)
        case ast.UnaryOp(op=ast.Not()) | ast.BoolOp() | ast.IfExp() | ast.Raise() | ast.Return(value=ast.Name()):
            return 1
        case ast.BinOp(op=sign):
            return int(type(sign) in _OTHER_SIGN)
        case ast.Call(func=ast.Name(id=name)):
            return int(name in _OTHER_NAME)
        case ast.Constant(value=value):
            return int(type(value) in {int, bool})
    return 0


def _change(tree: ast.AST, node: ast.expr | ast.stmt, change: int) -> str:
    """Change a node in place; how it reads then."""
    new: ast.AST = node
    if isinstance(node, ast.Compare):
        node.ops[change] = _OPPOSITE[type(node.ops[change])]()
    elif isinstance(node, ast.BoolOp):
        node.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
    elif isinstance(node, ast.BinOp):
        node.op = _OTHER_SIGN[type(node.op)]()
    elif isinstance(node, ast.Constant):
        node.value = not node.value if isinstance(node.value, bool) else int(str(node.value)) + 1
    elif isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        node.func.id = _OTHER_NAME[node.func.id]
    elif isinstance(node, ast.IfExp):
        node.body, node.orelse = node.orelse, node.body
    elif isinstance(node, ast.Return):
        node.value = ast.Constant(None)
    else:
        new = node.operand if isinstance(node, ast.UnaryOp) else ast.Pass()
        _replace(tree, node, new)
    return ast.unparse(new)


def _replace(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and old in value:
                value[value.index(old)] = new


def _start_server() -> None:
    """The process that every child is forked from: it has loaded what no change touches."""
    multiprocessing.set_start_method("forkserver", force=True)
    multiprocessing.set_forkserver_preload(_PRELOADED)


def _check_unchanged(folder: Path, files: Sequence[str]) -> None:
    """The tests must pass of the files as they are: else every change would seem to be noticed."""
    for file in files:
        source = (_POLICY / f"{file}.py").read_text(encoding="utf-8")
        if _notices(folder, -1, Mutant(file, 0, "", "", "", source)):
            sys.exit(f"{file}.py: its tests fail without any change")


def _notices(folder: Path, number: int, mutant: Mutant) -> bool:
    file = folder / f"mutant{number}.py"
    file.write_text(mutant.source, encoding="utf-8")
    # not a daemon: tests start processes of their own
    child = multiprocessing.Process(target=_test, args=(mutant.file, file), daemon=False)
    child.start()
    child.join(_LIMIT_S)
    if child.exitcode is None:
        child.kill()
        child.join()
    return child.exitcode != 0


def _test(changed: str, file: Path) -> None:
    """Run a file's tests with another module in its place, and leave with pytest's exit code; in a child."""
    import pytest  # noqa: PLC0415 (loaded in the server, not where the command starts)

    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    os.chdir(_PROJECT)
    sys.meta_path.insert(0, ChangedModule(f"imp_consent.policy.{changed}", _POLICY / f"{changed}.py", file))
    options = ["-x", "-q", *(word for name in ("xdist", "randomly", "cacheprovider") for word in ("-p", f"no:{name}"))]
    basetemp = file.with_suffix(".tmp")
    code = pytest.main([*options, f"--basetemp={basetemp}", *(str(_TESTS / name) for name in TESTS_OF[changed])])
    with contextlib.suppress(OSError):
        file.unlink()
    os._exit(int(code))  # what a changed module left running is left


if __name__ == "__main__":
    sys.exit(main())
