"""An imp.toml that breaks off names no line, and the mend says what is likely open."""

from __future__ import annotations

from pathlib import Path

import pytest

from imp_core.errors import BadInput
from imp_core.workspace import Workspace

BASE = '[workspace]\nlog_id = "a"\n'


@pytest.mark.parametrize(
    ("rest", "mend"),
    [("x = [1,\n", "a quote or a bracket is open where the file ends"), ("x = = 1\n", "mend that line in an editor")],
)
def test_a_settings_file_that_is_no_toml_says_what_helps(tmp_path: Path, rest: str, mend: str) -> None:
    (tmp_path / "imp.toml").write_text(BASE + rest, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        Workspace.load(tmp_path)
    assert mend in str(caught.value.mend)
