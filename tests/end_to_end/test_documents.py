"""What the documents show is what happens: every example in README.md, docs/ and the plugins' READMEs runs.

One test is one document, its examples in order in a folder of their own:

- a `python` block runs (and a `>>>` session is compared);
- a block whose info line carries `title="name"` is written to that file, and one that carries `from="name"` must stand
  in it: what a document shows of a file that a command made;
- a `console` block runs its `$ ` lines in bash. Each must succeed, and where lines follow it, they are its output:
  `…` stands for any text within, a line `…` for any lines. Exports and the folder stay for the next command, and what
  runs in the background until the document ends. `uv` is offline_uv.py;
- other blocks (`sh`: set-up that needs the network) are not run, nor is what `<!-- skip: next -->` precedes.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

PROJECT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = sorted(
    path
    for pattern in ("README.md", "docs/**/*.md", "plugins/*/README.md", "consent/README.md", "experiments/README.md")
    for path in PROJECT.glob(pattern)
)
FILE = re.compile(r'.* (?P<what>title|from)="(?P<name>[^"]+)"')
# As a newcomer types it; here the command is on the path.
THROUGH_UV = ".uv/bin/uv run "


class Shell:
    """Runs the console blocks of one document and keeps folder and environment between commands."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.jobs = folder / "jobs"
        self.folder = folder / "here"
        programs = folder / "bin"
        for made in (self.folder, programs):
            made.mkdir()
        uv = programs / "uv"
        uv.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("offline_uv.py")}" "$@"\n')
        uv.chmod(0o755)
        self.environ = {
            "PATH": os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "USER": "ann",
        }

    def run(self, command: str) -> tuple[int, str]:
        end = f'trap \'env -0 > "{self.state}"; jobs -pr >> "{self.jobs}"\' EXIT'
        script = f"{end}\nset -o pipefail\n{command.replace(THROUGH_UV, '')}"
        # A file, because what goes on in the background may keep a pipe open.
        with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
            done = subprocess.run(
                ["bash", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                check=False,
                env=self.environ,
                cwd=self.folder,
                timeout=600,
            )
            said.seek(0)
            output = said.read()
        pairs = (item.partition("=") for item in self.state.read_text().split("\0") if item)
        self.environ = {name: value for name, _, value in pairs}
        self.folder = Path(self.environ["PWD"])
        return done.returncode, output

    def evaluate(self, example):
        for command, expected in commands(example.parsed):
            code, output = self.run(command)
            if code != 0:
                return f"$ {command}\nexit code {code}\n{output}"
            if expected and not matches(expected, output):
                return f"$ {command}\nexpected:\n{expected}\ngot:\n{output}"
        return None

    def file(self, example):
        found = FILE.fullmatch(example.region.lexemes["language"])
        path = self.folder / found["name"]
        if found["what"] == "from":
            return (
                None if holds(path.read_text(encoding="utf-8"), example.parsed) else f"{path.name} does not hold this"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(example.parsed, encoding="utf-8")
        return None

    def files(self, document):
        for region in FencedCodeBlockLexer(re.sub(r"\?P<\w+>", "?:", FILE.pattern))(document):
            region.parsed, region.evaluator = region.lexemes["source"], self.file
            yield region

    def close(self):
        for number in self.jobs.read_text().split() if self.jobs.exists() else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(number), signal.SIGTERM)


def commands(block):
    """The `$ ` lines of a console block (continued while they end in a backslash) and what follows each."""
    found = []
    for line in block.splitlines():
        if found and found[-1][0].endswith("\\"):
            found[-1][0] += "\n" + line
        elif line.startswith("$ "):
            found.append([line[2:], []])
        else:
            found[-1][1].append(line)
    return [(command, "\n".join(lines).strip("\n")) for command, lines in found]


def matches(expected, output):
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "…" else re.escape(line).replace("…", ".*?") + r"\n"
        for line in expected.splitlines()
    )
    said = "".join(f"{line.rstrip()}\n" for line in output.strip("\n").splitlines())
    return re.fullmatch(pattern, said) is not None


def holds(text, excerpt):
    """Whether these lines stand in a text, one after the other, indented or not."""
    wanted, lines = textwrap.dedent(excerpt).splitlines(), text.splitlines()
    starts = range(len(lines) - len(wanted) + 1)
    return any(textwrap.dedent("\n".join(lines[at : at + len(wanted)])).splitlines() == wanted for at in starts)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_the_examples_of_a_document_run(path, tmp_path, monkeypatch):
    with contextlib.closing(Shell(tmp_path)) as shell:
        parsers = [PythonCodeBlockParser(), CodeBlockParser("console", shell.evaluate), shell.files, SkipParser()]
        document = Sybil(parsers).parse(path)
        monkeypatch.chdir(shell.folder)
        for example in document.examples():
            example.evaluate()


def test_there_are_documents_to_run():
    assert PROJECT / "README.md" in DOCUMENTS


SAMPLE = """\
# A document

```toml title="a/b.toml"
x = "y"
```

```toml from="a/b.toml"
x = "y"
```

```console
$ cat a/b.toml
x = "y"
$ export NAME=ann; mkdir -p sub; cd sub
$ echo one; echo two; \\
echo three
one
…
three
```

```console
$ echo "$NAME in $(basename $PWD)"
ann in …b
$ false; echo "exit code $?"
exit code 1
```

```sh
exit 3
```

<!-- skip: next -->

```console
$ exit 4
```

```python
assert 1 + 1 == 2
```
"""


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("", "", None),
        ("three\n```", "four\n```", "expected:"),
        ('b.toml"\nx = "y"\n```\n\n```console', 'b.toml"\nx = "z"\n```\n\n```console', "b.toml does not hold this"),
        ("$ cat", "$ catt", "exit code 127"),
        ("ann in", "bob in", "got:\nann in sub"),
        ("<!-- skip: next -->", "", "exit code 4"),
        ("== 2", "== 3", "assert"),
    ],
)
def test_a_document_that_says_what_is_not_so_is_found(tmp_path, monkeypatch, old, new, problem):
    path = tmp_path / "sample.md"
    path.write_text(SAMPLE.replace(old, new) if old else SAMPLE, encoding="utf-8")
    folder = tmp_path / "run"
    folder.mkdir()
    if problem is None:
        test_the_examples_of_a_document_run(path, folder, monkeypatch)
    else:
        with pytest.raises(AssertionError, match=problem if problem != "assert" else None):
            test_the_examples_of_a_document_run(path, folder, monkeypatch)
