"""What the documents show is what happens: every example in README.md, docs/ and the plugins' READMEs runs.

One test is one document, its examples in order in a folder of their own:

- a `python` block runs (and a `>>>` session is compared);
- a block whose info line carries `title="name"` is written to that file;
- a `console` block runs its `$ ` lines in bash. Each must succeed, and where lines follow it, they are its output:
  `…` stands for any text within, a line `…` for any lines. Exports and the folder stay for the next command;
- other blocks (`sh`: set-up that needs the network) are not run, nor is what `<!-- skip: next -->` precedes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
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
TITLE = re.compile(r'.* title="(?P<name>[^"]+)"')
# As a newcomer types it; here the command is on the path.
THROUGH_UV = ".uv/bin/uv run "


class Shell:
    """Runs the console blocks of one document and keeps folder and environment between commands."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.folder = folder / "here"
        self.folder.mkdir()
        self.environ = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "USER": "ann",
        }

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        script = f"trap 'env -0 > \"{self.state}\"' EXIT\nset -o pipefail\n{command.replace(THROUGH_UV, '')}"
        done = subprocess.run(
            ["bash", "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=self.environ,
            cwd=self.folder,
            timeout=600,
        )
        pairs = (item.partition("=") for item in self.state.read_text().split("\0") if item)
        self.environ = {name: value for name, _, value in pairs}
        self.folder = Path(self.environ["PWD"])
        return done

    def evaluate(self, example):
        for command, expected in commands(example.parsed):
            done = self.run(command)
            if done.returncode != 0:
                return f"$ {command}\nexit code {done.returncode}\n{done.stdout}"
            if expected and not matches(expected, done.stdout):
                return f"$ {command}\nexpected:\n{expected}\ngot:\n{done.stdout}"
        return None

    def write(self, example):
        name = TITLE.fullmatch(example.region.lexemes["language"])["name"]
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(example.parsed, encoding="utf-8")

    def titled(self, document):
        for region in FencedCodeBlockLexer(TITLE.pattern.replace("?P<name>", "?:"))(document):
            region.parsed, region.evaluator = region.lexemes["source"], self.write
            yield region


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


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_the_examples_of_a_document_run(path, tmp_path, monkeypatch):
    shell = Shell(tmp_path)
    parsers = [PythonCodeBlockParser(), CodeBlockParser("console", shell.evaluate), shell.titled, SkipParser()]
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
