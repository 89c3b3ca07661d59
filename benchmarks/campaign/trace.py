"""What a process wrote, as strace(1) saw it: calls that change files and folders or make them durable, in order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.campaign.children import Child

__all__ = ["Call", "attach", "can_trace", "parse_trace", "tracing"]

# Calls that change what is on a disk, name it or fsync it; and those that say where a write goes.
CHANGES: Final = (
    "openat", "open", "creat", "close", "lseek", "write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate",
    "truncate", "fallocate", "copy_file_range", "sendfile", "fsync", "fdatasync", "sync_file_range", "rename",
    "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "mkdir", "mkdirat",
    "rmdir", "dup", "dup2", "dup3", "fcntl", "msync",
)  # fmt: skip
_LINE = re.compile(r"(?P<pid>\d+) +(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+|\?)(?P<more>.*)")
_UNFINISHED = re.compile(r"(?P<pid>\d+) +(?P<begun>.*) <unfinished \.\.\.>")
_RESUMED = re.compile(r"(?P<pid>\d+) +<\.\.\. \w+ resumed>(?P<rest>.*)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')


@dataclass(frozen=True, slots=True)
class Call:
    """One call that succeeded: its plain arguments as strace spells them, its texts as bytes, its result."""

    name: str
    arguments: tuple[str, ...]
    texts: tuple[bytes, ...]
    result: int


def can_trace() -> str | None:
    """Why nothing can be traced here; None where it can."""
    try:
        words = ["strace", "-o", os.devnull, sys.executable, "-c", ""]
        done = subprocess.run(words, capture_output=True, check=False)
    except OSError:
        return "strace is not installed"
    return None if done.returncode == 0 else "strace may not trace here"


def tracing(output: Path) -> list[str]:
    """Strace with whole contents in hex, to which the program (or `-p` and a process) is to be added."""
    return ["strace", "-f", "-xx", "-s", str(2**24), "-o", str(output), "-e", f"trace={','.join(CHANGES)}"]


def attach(child: Child, words: Sequence[str]) -> subprocess.Popen[bytes]:
    """Let strace, called with these words, attach to a child that waits; returns once it has."""
    tracer = subprocess.Popen([*words, "-p", str(child.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert tracer.stderr is not None
    line = tracer.stderr.readline()
    if b"attached" not in line:
        tracer.kill()
        raise OSError(f"strace did not attach: {line.decode(errors='replace').strip()}")
    return tracer


def parse_trace(lines: Sequence[str]) -> Iterator[Call]:
    """The calls that succeeded, in the order in which they ended.

    Raises:
        ValueError: a line is none that strace writes so, or a content was cut short.
    """
    begun: dict[str, str] = {}
    for line in lines:
        unfinished, resumed = _UNFINISHED.fullmatch(line), _RESUMED.fullmatch(line)
        if unfinished:
            begun[unfinished["pid"]] = unfinished["begun"]
            continue
        whole = f"{resumed['pid']} {begun.pop(resumed['pid'])}{resumed['rest']}" if resumed else line
        if " +++ " in whole or " --- " in whole:
            continue
        found = _LINE.fullmatch(whole)
        if found is None:
            raise ValueError(f"not a line of strace: {whole[:200]}")
        if found["result"] != "?" and int(found["result"]) >= 0:
            yield _call(found["name"], found["arguments"], int(found["result"]))


def _call(name: str, arguments: str, result: int) -> Call:
    texts: list[bytes] = []

    def keep(match: re.Match[str]) -> str:
        if match[2]:
            raise ValueError(f"a content of {name} was cut short")
        texts.append(bytes.fromhex(match[1].replace("\\x", "")))
        return "@"

    plain = _TEXT.sub(keep, arguments)
    return Call(name, tuple(plain.split(", ")), tuple(texts), result)
