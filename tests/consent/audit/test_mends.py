"""Whatever an audit can find, it says what to do about; the codes are looked for in its source, not listed here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import imp_consent.audit
from imp_consent.audit.mends import MENDS
from imp_consent.audit.problem import Problem, told

AUDIT = Path(imp_consent.audit.__file__).parent
LEDGER_PAGE = Path(__file__).parents[3] / "docs" / "ledger.md"
_CODE = re.compile(r"[a-z]+\.[a-z][a-z-]*")
_PLACES = {"report": 0, "note": 0, "expect": 1}  # where each call has its code
_FILES = {"export.md", "log.vkey", "receipt.jsonld"}


def calls() -> Iterator[ast.expr]:
    for path in AUDIT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _PLACES:
                yield from node.args[_PLACES[node.func.attr] :][:1]


def constants() -> set[str]:
    found = set()
    for path in AUDIT.rglob("*.py"):
        if path.name != "mends.py":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and _CODE.fullmatch(node.value):
                    found.add(node.value)
    return found - _FILES


def test_every_code_that_an_audit_can_report_has_its_mend() -> None:
    codes = constants()
    assert len(codes) > 90
    assert codes - MENDS.keys() == set()


def test_codes_are_written_out_but_for_those_of_missing_files() -> None:
    computed = {ast.unparse(code).strip("f'\"") for code in calls() if isinstance(code, ast.JoinedStr)}
    assert all(code.endswith("}.missing") for code in computed), computed
    files = ("entries", "tile", "checkpoint", "vkey", "vkey.retired")
    assert MENDS.keys() - constants() <= {f"{name}.missing" for name in files}


def test_the_ledgers_page_tells_of_every_code() -> None:
    page = LEDGER_PAGE.read_text(encoding="utf-8")
    told_of = set(re.findall(r"`([a-z]+\.(?:\*|[a-z][a-z-]*))`", page))
    assert {code for code in MENDS if code not in told_of and f"{code.split('.')[0]}.*" not in told_of} == set()


def test_a_mend_is_said_once_for_all_problems_that_it_is_for() -> None:
    problems = [
        Problem(code="a.b", place="p", sentence="s", mend="do this"),
        Problem(code="a.b", place="q", sentence="s", mend="do this"),
        Problem(code="a.c", place="r", sentence="s", mend="do this"),
    ]
    assert told(problems, most=1) == [
        "  a.b  p: s",
        "  … and 2 more: imp audit verify --json",
        "mend: do this (a.b, a.c)",
    ]
