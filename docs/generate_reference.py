"""Writes `docs/reference.md`, the reference of hooks, channel methods and types, from the code itself.

`uv run python docs/generate_reference.py` writes the page. With `--check` its exit code is 1 where the page is not what
the code says; with `--signatures` it prints the signatures as JSON, to be kept in tests/architecture/ at each release.
"""

from __future__ import annotations

import argparse
import dataclasses
import enum
import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from signatures import CAPABILITIES, ERRORS, TYPES, Call, fields, functions, hooks, read_call, signatures

from imp_core.gate import Action
from imp_core.manifest import MANIFEST_KEYS, Addresses, Isolation, Manifest

PAGE: Final = Path(__file__).with_name("reference.md")
# What the code has no docstring for. `_manifest` fails where a key is missing here, or is one too many.
KEYS: Final = {
    "name": "the channel's name, as in `imp plugin enable NAME`; the entry point has the same",
    "summary": "one line for the operator",
    "spec_version": "the contract it was written for",
    "identifiers": "kinds of identifiers it needs, such as `phone`",
    "hosts": "the only hosts it may connect to: names, or `{host}` for what its setting `host` holds",
    "addresses": "`resolve`: it asks for addresses one at a time, by `ctx.resolve`; `none`: it sees none",
    "secrets": "names of secrets: `api_key` of the channel `sms-acme` is read from `IMP_SMS_ACME_API_KEY`",
    "exposures": "whether it hears who met which variant (`exposed`)",
    "withdrawals": "whether it hears whose permission ended (`withdrawn`)",
    "isolation": "where it runs; so far only `none`, in the process of `imp`",
}
# How a field of `Manifest` is written in TOML, and what holds where its key is left out.
TOML: Final = {
    "str": ("text", '""'),
    "int": ("number", ""),
    "bool": ("true or false", "false"),
    "Sequence[str]": ("list of texts", "[]"),
    "Addresses": (" or ".join(f'`"{item}"`' for item in Addresses), '"none"'),
    "Isolation": (" or ".join(f'`"{item}"`' for item in Isolation), '"none"'),
}
HEAD: Final = """\
# Reference

<!-- Written by docs/generate_reference.py from the code: change the docstrings there. -->

[write-a-channel.md](write-a-channel.md) tells how a channel is written; this page lists what it is written against:
[hooks](#hooks), [channel methods](#channel-methods), [errors](#errors), [types](#types) and
[the manifest](#the-manifest).

Import from `imp_core.channel`, except `RawId`, `RawEvent`, `EventType`, `Signal`, `SignalKind` and `RowFault`
(`imp_core.event`), `Action` (`imp_core.gate`), and `hookimpl` and what hooks answer (`imp_core.hookspecs`).

## What may change

- Every hook and every method says since which version it is there: `since`.
- A hook's arguments stay. One that is added has a default, and no implementation has to take it.
- A channel method's arguments stay.
- Types are keyword-only: fields stay, and those that are added have defaults. Lists of values may grow.
- A hook that is to go warns whoever implements it (pluggy's `warn_on_impl`) for two minor releases before it goes.
- The signatures of each release are kept in `tests/architecture/`, and a test holds the code against them.
- The channels of the last release are to run in the tests of the next. There is no last release yet, so none run.
"""
HOOKS_HEAD: Final = """\
## Hooks

A plugin's entry point, in the group `imp.plugins`, names a module. Its functions marked with `hookimpl` are its hooks.
They only register, and none is handed a person's data. One that asks for `wrapper`, `hookwrapper`, `tryfirst` or
`trylast`, or is none of the hooks below, makes its plugin broken: it is left out, and `imp doctor` names it.
"""
METHODS_HEAD: Final = """\
## Channel methods

Core calls them on one channel at a time, each with a deadline. `Maybe[X]` is `X` or an awaitable of it: any method may
be `async`. `Inbound` is `RawEvent | Signal | RowFault`. A channel has `info: ChannelInfo` and the methods of every
channel, and those of each capability that `info.supports` names `full` or `partial`.
"""
ERRORS_HEAD: Final = """\
## Errors

What a channel may raise, besides `imp_core.errors.BadInput` for settings and files that cannot be taken. Anything else
breaks the call, and only the exception's type is kept. A `code` is the peer's, such as `5.1.1` or `http-429`: at most
32 letters, digits, `.`, `_`, `-`, and no number of seven digits or more.
"""
MANIFEST_HEAD: Final = """\
## The manifest

`imp-plugin.toml` lies in the plugin's package and is read without importing it. An unknown key makes the plugin broken;
so does a `ChannelInfo` that declares a purpose, an identifier, a host, `exposed` or `withdrawn` which the manifest does
not.

Keys of `[plugin]`:
"""


def _prose(item: object) -> Iterator[str]:
    """A docstring: its paragraphs, and a list of what it raises."""
    text, _, raises = (inspect.getdoc(item) or "").partition("\nRaises:\n")
    yield from (text.rstrip(), "")
    if raises:
        found = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", raises, re.MULTILINE)
        yield from (f"- raises `{name}`: {' '.join(why.split())}" for name, why in found)
        yield ""


def _code(call: Call) -> tuple[str, ...]:
    return ("```py", str(call), "```", "")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield from ("| " + " | ".join(head) + " |", "|" + "---|" * len(head))
    yield from ("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
    yield ""


def _ticks(text: str) -> str:
    return f"`{text}`" if text else ""


def _type(kind: type) -> Iterator[str]:
    yield from (f"#### `{kind.__name__}`", "", *_prose(kind))
    if issubclass(kind, enum.Enum):
        yield from ("Values: " + ", ".join(f"`{item}`" for item in kind) + ".", "")
    elif dataclasses.is_dataclass(kind):
        rows = [(_ticks(name), _ticks(typed), _ticks(default)) for name, (typed, default) in fields(kind).items()]
        yield from _table(("field", "type", "default"), rows)
    elif "__init__" in vars(kind) and not getattr(kind, "_is_protocol", False):
        yield from _code(read_call(kind, kind.__name__))
    properties = {name: item for name, item in vars(kind).items() if isinstance(item, property)}
    if properties and not issubclass(kind, enum.Enum):
        told = [(_ticks(name), inspect.getdoc(item) or "") for name, item in properties.items()]
        yield from _table(("attribute", "what"), told)
    for item in functions(kind).values():
        yield from (*_code(read_call(item)), *_prose(item))


def _methods() -> Iterator[str]:
    for capability, owner in CAPABILITIES.items():
        yield from (f"### {capability}", "")
        for item in functions(owner).values():
            yield from (*_code(read_call(item)), *_prose(item))


def _manifest() -> Iterator[str]:
    if set(KEYS) != set(MANIFEST_KEYS):
        raise SystemExit(f"describe these keys of the manifest: {sorted(set(KEYS) ^ set(MANIFEST_KEYS))}")
    yield from MANIFEST_HEAD.split("\n")
    declared = fields(Manifest)
    rows = []
    for name, what in KEYS.items():
        kind, default = TOML[declared[name][0]]
        rows.append((_ticks(name), kind, "needed" if name in ("name", "spec_version") else _ticks(default), what))
    yield from _table(("key", "type", "default", "what"), rows)
    yield f"Keys of `[purposes]`: the actions {', '.join(f'`{action}`' for action in Action)}. Each holds a list of"
    yield "purposes: a name, a family (`marketing.*`), or `*` for all."


def page() -> str:
    """The whole page."""
    out = [HEAD, HOOKS_HEAD]
    for item in hooks().values():
        out += [f"### `{item.__name__}`", "", *_code(read_call(item)), *_prose(item)]
    out += [METHODS_HEAD, *_methods(), ERRORS_HEAD]
    for error in ERRORS:
        out += [f"### `{error.__name__}`", "", *_code(read_call(error, error.__name__)), *_prose(error)]
    out += ["## Types", ""]
    for title, kinds in TYPES.items():
        out += [f"### {title}", "", *(line for kind in kinds for line in _type(kind))]
    out += _manifest()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).rstrip("\n") + "\n"


def main() -> int:
    """Write, check or print, as asked."""
    parser = argparse.ArgumentParser(description="Write docs/reference.md from the code.")
    parser.add_argument("--check", action="store_true", help="only say whether the page is what the code says")
    parser.add_argument("--signatures", action="store_true", help="print the signatures as JSON")
    asked = parser.parse_args()
    if asked.signatures:
        sys.stdout.write(json.dumps(signatures(), indent=2) + "\n")
    elif not asked.check:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page():
        sys.stderr.write(f"{PAGE.name} is not what the code says: run docs/generate_reference.py\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
