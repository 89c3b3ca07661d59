"""Reading a file through the channel `file`, in one call."""

from __future__ import annotations

import gzip

import pytest

from imp_channel_file.channel import FileChannel
from imp_core.channel import ChannelContext, Source


@pytest.fixture
def take(tmp_path):
    """`take(content, name="x.csv", mapping="…toml…")`: everything the channel yields for a file of this content."""

    def take(content, name="events.csv", mapping=None, *, packed=False):
        path = tmp_path / name
        if content is not None:
            data = content.encode() if isinstance(content, str) else content
            path.write_bytes(gzip.compress(data) if packed else data)
        mapping_path = None
        if mapping is not None:
            mapping_path = tmp_path / "map.toml"
            mapping_path.write_text(mapping, encoding="utf-8")
        source = Source(path=path, mapping=mapping_path)
        return list(FileChannel().ingest(ChannelContext(settings={}, now_us=0), source))

    return take
