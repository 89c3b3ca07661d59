"""An interrupt while an archive file is begun leaves nothing behind."""

from __future__ import annotations

import pytest

from imp_consent.plane import archive
from imp_core.workspace import Workspace


def test_an_interrupt_at_the_very_beginning_leaves_no_file(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path, {"workspace": {"log_id": "x", "controller": "Shop"}})

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("imp_consent.plane.archive.writer.pq.ParquetWriter", interrupted)
    with pytest.raises(KeyboardInterrupt), archive.ArchiveWriter(workspace, 1):
        pass
    assert list(workspace.temporary.iterdir()) == []
