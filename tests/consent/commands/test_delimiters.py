"""What stands between the columns of a delimited file: read from the header where only one can be meant, else named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

Cli = Any
HEADER = ("identifier", "purpose", "state", "at", "evidence")
ROW = ("member:1", "analytics", "given", "2026-01-01T10:00:00Z", "a letter, with a comma; and a semicolon")


def table(delimiter: str, header: tuple[str, ...] = HEADER) -> str:
    quoted = f'"{ROW[-1]}"'
    return f"{delimiter.join(header)}\n{delimiter.join((*ROW[:-1], quoted))}\n"


@pytest.fixture
def shop(imp_here: Cli, tmp_path: Path) -> Cli:
    imp_here("init", tmp_path / "workspace", "--controller", "Shop Ltd").ok()
    return imp_here


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["said.csv", "said.txt", "said.tsv"])
def test_a_file_is_read_with_what_its_header_shows(shop: Cli, tmp_path: Path, name: str, delimiter: str) -> None:
    path = tmp_path / name
    path.write_text(table(delimiter))
    shop("consent", "import", path).ok()
    assert ROW[-1] in shop("consent", "history", "member:1", "--json").ok().out


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(shop: Cli, tmp_path: Path) -> None:
    path = tmp_path / "said.csv"
    path.write_bytes(b"\xef\xbb\xbf" + table(";").replace("\n", "\r\n").encode())
    shop("consent", "import", path).ok()


def test_where_two_can_be_meant_the_header_is_not_guessed_at_and_they_are_named(shop: Cli, tmp_path: Path) -> None:
    path = tmp_path / "said.csv"
    path.write_text(table(";", (*HEADER[:-1], "evidence|note")))
    refused = shop("consent", "import", path)
    assert refused.code == 2
    assert "it is read as one column, with commas between columns" in refused.err
    assert "semicolons and bars" in refused.err
    assert "[file] delimiter" in refused.err
    assert "member:1" not in refused.err


def test_what_a_mapping_declares_is_taken_at_its_word_and_the_error_names_what_was_seen(
    shop: Cli, tmp_path: Path
) -> None:
    path, mapping = tmp_path / "said.csv", tmp_path / "map.toml"
    path.write_text(table(";"))
    mapping.write_text('[file]\ndelimiter = "|"\n')
    refused = shop("consent", "import", path, "--map", mapping)
    assert refused.code == 2
    assert "with bars between columns" in refused.err
    assert "its header holds semicolons" in refused.err
    mapping.write_text('[file]\ndelimiter = ";"\n')
    shop("consent", "import", path, "--map", mapping).ok()


def test_a_header_that_is_wrong_for_another_reason_is_told_of_that(shop: Cli, tmp_path: Path) -> None:
    path = tmp_path / "said.csv"
    path.write_text("who,what;why\nmember:1,analytics\n")
    refused = shop("consent", "import", path)
    assert refused.code == 2
    assert "column 1 of the header is not known" in refused.err
    assert "read as one column" not in refused.err
