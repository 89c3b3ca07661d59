"""Every name of `imp.toml` that code reads is one that IMP knows: else whoever sets it would be refused."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from imp_consent.records import facts
from imp_consent.report import processing
from imp_consent.rights import verification
from imp_consent.signals.consent_mode import PARAMETERS
from imp_core.event import EventType
from imp_core.known_settings import KNOWN

ROOT = Path(__file__).parents[2]
PACKAGES = (ROOT / "imp_core", ROOT / "consent" / "imp_consent", ROOT / "experiments" / "imp_experiments")
LOOKING_AT_ALL = {ROOT / "imp_core" / "settings.py", ROOT / "imp_core" / "known_settings.py"}
NamedPath = tuple[str, ...]


class Readers(ast.NodeVisitor):
    """The paths that a module reads of a mapping called `config`; `?` where a table's name is no constant."""

    def __init__(self, constants: dict[str, str]) -> None:
        self._constants = constants
        self._bound: dict[str, NamedPath] = {}
        self.paths: set[NamedPath] = set()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._bound = {}
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        targets, values = node.targets[0], node.value
        pairs = zip(targets.elts, values.elts, strict=True) if _both_tuples(targets, values) else [(targets, values)]
        for target, value in pairs:
            path = self._path(value)
            if isinstance(target, ast.Name) and path:
                self._bound[target.id] = path
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self._note(node)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self._note(node)
        self.generic_visit(node)

    def _note(self, node: ast.expr) -> None:
        if path := self._path(node):
            self.paths.add(path)

    def _path(self, node: ast.expr) -> NamedPath | None:
        if isinstance(node, ast.IfExp):
            return self._path(node.body)
        if isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            return () if name == "config" else self._bound.get(name)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr != "get" or not node.args:
                return None
            return self._step(node.func.value, node.args[0])
        return self._step(node.value, node.slice) if isinstance(node, ast.Subscript) else None

    def _step(self, of: ast.expr, key: ast.expr) -> NamedPath | None:
        above = self._path(of)
        if above is None:
            return None
        word = key.value if isinstance(key, ast.Constant) else self._constants.get(getattr(key, "id", ""))
        if not isinstance(word, str):
            if not above:
                self.paths.add(("?",))
            return None
        return (*above, word)


def _both_tuples(target: ast.expr, value: ast.expr) -> bool:
    return isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)


def read_paths() -> Iterator[tuple[str, NamedPath]]:
    for package in PACKAGES:
        for file in sorted({*package.rglob("*.py")} - LOOKING_AT_ALL):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            names = {
                node.target.id: node.value.value
                for node in tree.body
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
                if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
            }
            readers = Readers(names)
            readers.visit(tree)
            yield from ((file.name, path) for path in readers.paths)


def is_known(path: NamedPath) -> bool:
    if path[0] not in KNOWN:
        return False
    table = path[0]
    for name in path[1:]:
        known = KNOWN.get(table)
        if known is None:
            return True
        if name not in known:
            return False
        table = f"{table}.{name}"
    return True


def test_no_code_reads_a_setting_that_is_not_known() -> None:
    found = list(read_paths())
    assert [(name, path) for name, path in found if not is_known(path)] == []
    read = {path for _, path in found}
    # it sees what is read in each of the ways in which code reads it
    expected = {
        ("policy", "regimes"), ("policy", "regime"), ("policy", "two_persons"), ("keys", "provider"),
        ("retention", "evidence"), ("rights", "verification"), ("signals", "consent_mode"), ("archive", "props"),
    }  # fmt: skip
    assert expected <= read


def test_every_known_table_is_read_by_something() -> None:
    read = {path[0] for _, path in read_paths()}
    assert {name for name in KNOWN if "." not in name} == read


def test_what_readers_know_by_lists_of_their_own_is_the_same() -> None:
    assert KNOWN["records"] == {*facts._EXAMPLES, *facts._OPTIONAL}
    assert KNOWN["processing"] == {*processing._TEXTS, *processing._LISTS, "recipient"}
    assert KNOWN["processing.recipient"] == set(processing._RECIPIENT)
    assert KNOWN["retention.archive"] == {str(type_) for type_ in EventType}
    assert KNOWN["rights.verification"] == set(verification._LEAST)
    assert KNOWN["signals.consent_mode"] == set(PARAMETERS)
