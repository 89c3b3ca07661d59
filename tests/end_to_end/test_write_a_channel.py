"""docs/write-a-channel.md shows the scaffold's own text, and every block of it runs (test_documents.py runs them)."""

from __future__ import annotations

import re
import textwrap

import pytest

from imp_core.channel import METHODS

BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.M | re.S)
FROM = re.compile(r'\w+ from="(?P<name>[^"]+)"')


@pytest.fixture
def page(project_folder):
    """The page's text."""
    return (project_folder / "docs" / "write-a-channel.md").read_text(encoding="utf-8")


@pytest.fixture
def scaffold(imp_here, tmp_path):
    """The folder that the page's first command makes."""
    imp_here("plugin", "new", "sms-acme", "--identifier", "phone", "--dir", str(tmp_path)).ok()
    return tmp_path / "imp-channel-sms-acme"


def test_every_block_of_the_page_is_one_that_runs(page):
    kinds = {match["info"] for match in BLOCK.finditer(page)}
    assert {
        kind for kind in kinds if kind != "console" and not re.fullmatch(r'\w+ (title|from)="[^"]+"', kind)
    } == set()
    assert "skip:" not in page


def test_the_code_of_the_page_is_the_scaffold_s(page, scaffold):
    shown = [(FROM.fullmatch(match["info"]), match["text"]) for match in BLOCK.finditer(page)]
    excerpts = [(found["name"], text) for found, text in shown if found]
    assert {name.rpartition("/")[2] for name, _ in excerpts} == {"imp-plugin.toml", "channel.py"}
    for name, text in excerpts:
        code = (scaffold / name).read_text(encoding="utf-8")
        assert any(textwrap.indent(text, " " * width) in code for width in (0, 4, 8, 12, 16)), name


def test_the_page_lists_every_file_that_the_scaffold_writes(page, scaffold):
    written = {str(path.relative_to(scaffold)) for path in scaffold.rglob("*") if path.is_file()}
    assert {name for name in written if f"\n  {name}\n" not in page} == set()


def test_the_page_says_what_every_method_is_for(page):
    methods = {"check", "forget", *(name for names in METHODS.values() for name in names)}
    assert set(re.findall(r"^\| \[`(\w+)`\]", page, re.M)) == methods
