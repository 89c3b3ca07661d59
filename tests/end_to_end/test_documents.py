"""What the documents show is what happens: every example in README.md, docs/ and the plugins' READMEs runs.

One test is one document, its examples in order in a folder of their own:

- a `python` block runs (and a `>>>` session is compared);
- a block whose info line carries `title="name"` is written to that file, and one that carries `from="name"` must stand
  in it: what a document shows of a file that a command made;
- a `console` block runs its `$ ` lines in bash. Each must succeed, and where lines follow it, they are its output:
  `…` stands for any text within, a line `…` for any lines. Exports and the folder stay for the next command, and what
  runs in the background until the document ends. `uv` is offline_uv.py;
- other blocks are not run, nor is what `<!-- skip: next -->` precedes. Of those in `sh`, which need what is not here,
  each `imp` line is one that `imp` would take. Links lead somewhere.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import click
import pytest
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

from imp_core.cli import cli
from imp_core.context import Context
from imp_experiments.stats.effect import CONDITIONS, WARNINGS

PROJECT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = sorted(
    path
    for pattern in ("README.md", "docs/**/*.md", "plugins/*/README.md", "consent/README.md", "experiments/README.md")
    for path in PROJECT.glob(pattern)
)
STATISTICS = PROJECT / "docs" / "statistics.md"
BLOCK = re.compile(r"^```.*?^```$", re.M | re.S)
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


def shown_commands(text):
    """The `imp` lines of a document's `sh` blocks, without comments and redirections."""
    lines = [line for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()]
    ends = [re.split(r"&&|\|", line.replace(THROUGH_UV, ""))[-1].strip() for line in lines]
    return [line for line in ends if line.startswith("imp ")]


def misuse(line, folder):
    """Why `imp` would not take a command line; None where it would. Nothing of the command runs."""
    words = list(itertools.takewhile(lambda word: word[0] not in "<>", shlex.split(line, comments=True)))[1:]
    with contextlib.closing(Context(environ={}, directory=folder)) as context:
        called = cli.make_context("imp", words, obj=context)
        try:
            while isinstance(called.command, click.Group):
                name, command, rest = called.command.resolve_command(called, [*called._protected_args, *called.args])
                called = command.make_context(name, rest, parent=called)
        except click.ClickException as error:
            return error.format_message()
    return None


def leads_somewhere(path, link):
    """Whether a link of a document leads to a file, and to a heading of it where it names one."""
    name, _, anchor = link.partition("#")
    there = (path.parent / name).resolve() if name else path
    if not anchor or not there.exists():
        return there.exists()
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", there.read_text(encoding="utf-8")), re.M)
    return anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


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


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_the_commands_that_a_document_only_shows_can_be_called_so(path, tmp_path):
    wrong = {line: why for line in shown_commands(path.read_text(encoding="utf-8")) if (why := misuse(line, tmp_path))}
    assert wrong == {}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_link_of_a_document_leads_somewhere(path):
    links = re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", path.read_text(encoding="utf-8")))
    assert [link for link in links if "://" not in link and not leads_somewhere(path, link)] == []


def test_the_conditions_that_are_documented_are_those_that_there_are():
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (stand|none) \| .+ \|$", STATISTICS.read_text(encoding="utf-8"), re.M)
    assert {code: sentence for code, sentence, _ in rows} == CONDITIONS
    assert {code for code, _, figures in rows if figures == "stand"} == WARNINGS
    assert len(rows) == len(CONDITIONS)  # none comes twice
    # and no other table row of that section names a code
    section = STATISTICS.read_text(encoding="utf-8").split("## Conditions and warnings")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(.+?)`", section, re.M) == [code for code, _, _ in rows]


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


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("imp consent unsubscribe - < clicked.txt", None),
        ("imp send email --audience a.csv --campaign spring  # a dry run", None),
        ("imp send email --audience a.csv", "Missing option '--campaign'."),
        ("imp plugin paint email", "No such command 'paint'."),
        ("imp audit verify --quietly", "No such option '--quietly'."),
    ],
)
def test_a_command_that_cannot_be_called_so_is_found(tmp_path, line, problem):
    (found,) = shown_commands(f"```sh\ncd shop\n{line}\n```\n")
    assert misuse(found, tmp_path) == problem


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A `page`, here\n\n```sh\n# no heading\n```\n")
    found = {link: leads_somewhere(page, link) for link in ("#a-page-here", "page.md", "#no-heading", "gone.md")}
    assert found == {"#a-page-here": True, "page.md": True, "#no-heading": False, "gone.md": False}
