"""Writes `docs/compliance.md`: every requirement, the files that hold its rule and the tests that prove it.

`uv run python docs/generate_compliance.py` writes the page from compliance.toml and from the names of the tests: one
called `test_r08_…` proves row 8, one called `test_r08_r09_…` both, unless it is marked to be skipped or to fail. With
`--check` the exit code is 1 where the page is stale or a row has neither a test nor a line saying to which later part
it belongs; with `--missing` those rows are listed.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent
PROJECT: Final = FOLDER.parent
PAGE: Final = FOLDER / "compliance.md"
TIERS: Final = {"L": "law", "R": "regulation", "G": "guidance", "S": "technical standard"}
NAMED: Final = re.compile(r"test_((?:r\d\d_)+)\w+")
HEAD: Final = """\
# Requirements and their proofs

<!-- Written by docs/generate_compliance.py from compliance.toml and the tests: change those. -->

Each row is one requirement of law, regulation, guidance or a technical standard, as engineers read it: this is no legal
advice. With each stand the files that hold its rule and the tests that prove it, by name; a row without a test says to
which later part of the product it belongs. Run one row's tests with

    pytest -k test_r08_

"Denied" always means: no data passes, and the denial is counted by reason. The law is in readable files,
[regimes](../consent/imp_consent/policy/regimes), which [law.md](law.md) explains; in which order statements close and
open the gate is in [words.py](../consent/imp_consent/policy/words.py).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A requirement; `rules` are paths from the project's root, `later` is the part that it waits for, or None."""

    number: int
    area: str
    title: str
    given: str
    source: str
    tier: str
    rules: tuple[str, ...]
    later: str | None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Proof:
    """A test: its file, as a path from the project's root, and its name."""

    path: str
    name: str


def read_rows(path: Path = FOLDER / "compliance.toml") -> tuple[Row, ...]:
    """The requirements, in order.

    Raises:
        SystemExit: a row without one of its fields, or with a tier that is none.
    """
    rows = []
    for item in tomllib.loads(path.read_text(encoding="utf-8"))["row"]:
        known = {"number", "area", "title", "given", "source", "tier", "rules", "later"}
        if set(item) - known or (known - {"rules", "later"}) - set(item):
            raise SystemExit(f"row {item.get('number')}: its keys are {sorted(item)}")
        if set(re.findall(r"[A-Z]\b", item["tier"].split(" ")[0])) - set(TIERS):
            raise SystemExit(f"row {item['number']}: no such tier")
        rows.append(Row(**{"later": None, **item, "rules": tuple(item.get("rules", ()))}))
    return tuple(rows)


def find_proofs(folder: Path = PROJECT / "tests") -> dict[int, list[Proof]]:
    """Tests by the number of the row in their name; one that is skipped or expected to fail proves nothing."""
    found: dict[int, list[Proof]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "def test_r" not in text:
            continue
        for node in _tests(ast.parse(text)):
            named = NAMED.fullmatch(node.name)
            if named is None:
                continue
            proof = Proof(path=path.relative_to(folder.parent).as_posix(), name=named.group())
            for number in re.findall(r"\d\d", named[1]):
                found.setdefault(int(number), []).append(proof)
    return {number: sorted(set(proofs)) for number, proofs in found.items()}


def _tests(tree: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of a module or class that are run: neither they nor what they stand in is set aside."""
    if _is_set_aside(tree):
        return
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from _tests(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_set_aside(node):
            yield node


def _is_set_aside(node: ast.AST) -> bool:
    """Whether a function, class or module is marked so, by a decorator or by `pytestmark`, or skips itself whole."""
    marks = [ast.unparse(mark) for mark in getattr(node, "decorator_list", ())]
    body = node.body if isinstance(node, ast.Module | ast.ClassDef) else []
    for line in body:
        if isinstance(line, ast.Assign | ast.AnnAssign) and line.value is not None:
            targets = line.targets if isinstance(line, ast.Assign) else [line.target]
            if any(ast.unparse(target) == "pytestmark" for target in targets):
                marks.append(ast.unparse(line.value))
        elif isinstance(line, ast.Expr):
            marks.append(ast.unparse(line.value))
    return any(re.search(r"\bpytest\.(mark\.(skip|skipif|xfail)|skip)\b", mark) for mark in marks)


def missing(rows: Sequence[Row], proofs: Mapping[int, Sequence[Proof]]) -> list[int]:
    """The numbers of rows with neither a test nor a later part."""
    return [row.number for row in rows if row.number not in proofs and row.later is None]


def page(rows: Sequence[Row], proofs: Mapping[int, Sequence[Proof]]) -> str:
    """The whole page."""
    out = [HEAD, *_table(rows, proofs)]
    for area, members in groupby(rows, key=lambda row: row.area):
        out += [f"## {area}", ""]
        for row in members:
            out += _section(row, proofs.get(row.number, ()))
    return "\n".join(out).rstrip("\n") + "\n"


def _table(rows: Sequence[Row], proofs: Mapping[int, Sequence[Proof]]) -> Iterator[str]:
    proved = sum(1 for row in rows if row.number in proofs)
    later = [row for row in rows if row.later is not None]
    yield f"Of {len(rows)} rows {proved} have tests; {len(later)} name a part that comes later."
    yield from ("", "| row | requirement | source | tier | tests |", "|---|---|---|---|---|")
    for row in rows:
        tests = str(len(proofs.get(row.number, ()))) if row.number in proofs else "later" if row.later else "**none**"
        yield f"| [{row.number}](#row-{row.number}) | {row.title} | {row.source} | {_tier(row.tier)} | {tests} |"
    yield ""


def _tier(tier: str) -> str:
    return re.sub(r"\b([LRGS])\b", lambda found: TIERS[found[1]], tier).replace("/", ", ")


def _section(row: Row, proofs: Sequence[Proof]) -> Iterator[str]:
    yield from (f"### Row {row.number}", "", f"**{row.title}.** {row.given}", "")
    yield f"- source: {row.source} ({_tier(row.tier)})"
    if row.rules:
        yield "- rule: " + ", ".join(f"[{Path(path).name}](../{path})" for path in row.rules)
    if row.later is not None:
        yield f"- later: {row.later}"
    yield from (f"- test: `{proof.name}` in [{Path(proof.path).name}](../{proof.path})" for proof in proofs)
    if not proofs and row.later is None:
        yield "- test: **none**"
    yield ""


def main() -> int:
    """Write, check or list, as asked."""
    parser = argparse.ArgumentParser(description="Write docs/compliance.md from compliance.toml and the tests.")
    parser.add_argument("--check", action="store_true", help="only say whether the page holds and every row is proved")
    parser.add_argument(
        "--missing", action="store_true", help="list the rows that have neither a test nor a later part"
    )
    asked = parser.parse_args()
    rows, proofs = read_rows(), find_proofs()
    bare, text = missing(rows, proofs), page(rows, proofs)
    if asked.missing:
        titles = {row.number: row.title for row in rows}
        sys.stdout.writelines(f"{number}: {titles[number]}\n" for number in bare)
    elif not asked.check:
        PAGE.write_text(text, encoding="utf-8")
    else:
        stale = not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text
        if stale:
            sys.stderr.write(f"{PAGE.name} is stale: run docs/generate_compliance.py\n")
        sys.stderr.writelines(f"row {number} has neither a test nor a later part\n" for number in bare)
        return 1 if stale or bare else 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
