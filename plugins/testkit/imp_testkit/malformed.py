"""Sources nobody should have to read, made of ones that can be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from imp_core.channel import Source
from imp_testkit.bench import Bench
from imp_testkit.fixtures import Inbound

__all__ = ["PLANTED", "malformed"]

# What must not be repeated: nobody's, and in no other text.
PLANTED: Final = ("planted.person@leak.example", "+447700900999")
_LINE = b'planted.person@leak.example,+447700900999,"planted.person@leak.example\n'
_NOT_TEXT = bytes(range(256)) * 4


def malformed(bench: Bench, sources: Sequence[Inbound]) -> Iterator[tuple[Source, str]]:
    """Each source spoilt in turn, and how: missing, a folder, empty, cut off, no text, foreign lines and cells."""
    folder = bench.folder / "a folder"
    folder.mkdir(exist_ok=True)
    for inbound in sources:
        source = bench.source(inbound)
        yield Source(path=bench.folder / "there is no such file", mapping=source.mapping), "no such file"
        yield Source(path=folder, mapping=source.mapping), "a folder"
        for how, content in _spoilt(inbound.content):
            yield bench.source(inbound, content), how


def _spoilt(content: bytes) -> Iterator[tuple[str, bytes]]:
    half = len(content) // 2
    lines = content.splitlines(keepends=True)
    yield "empty", b""
    yield "cut off", content[:half]
    yield "not text", _NOT_TEXT
    yield "bytes that are no text within", content[:half] + b"\xff\xfe\x00" + content[half:]
    yield "nothing but foreign lines", _LINE * 3
    yield "foreign lines at the end", content.rstrip(b"\n") + b"\n" + _LINE
    yield "foreign lines within", b"".join([*lines[:1], _LINE, *lines[1:]])
    for mark in (b",", b":", b"="):
        yield f"a foreign cell after {mark.decode()}", content.replace(mark, mark + _LINE.strip(b"\n") + mark)
