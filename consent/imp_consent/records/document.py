r"""A JSON-LD document of records: one node a line, so that any number of them is written and read without holding all.

    {"@context":{…},"@graph":[
    {"@id":"urn:uuid:…","@type":"dpv:ConsentRecord",…},
    {"@id":"urn:imp:party:controller",…}
    ]}

The context lies in the document itself (it is `context.jsonld`, beside this file), so that nobody needs a network
to read it. A document that is laid out otherwise is read too, as long as it is not large.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import IO, Any, Final

from imp_core.errors import BadInput

__all__ = ["context", "format_document", "parse_document"]

_OPEN: Final = '"@graph":['
_CLOSE: Final = "]}"
_MAX_LINE: Final = 1 << 21  # a node with the text of a notice
_MAX_WHOLE: Final = 1 << 26
_WHERE: Final = "document"
_DOCUMENT: Final = "name a document that imp consent export --format 27560 wrote, whole and as it was"


@cache
def _context() -> str:
    document = json.loads(files("imp_consent.records").joinpath("context.jsonld").read_text(encoding="utf-8"))
    return json.dumps(document["@context"], separators=(",", ":"), sort_keys=True)


def context() -> dict[str, str]:
    """The prefixes of every document: name → IRI."""
    found: dict[str, str] = json.loads(_context())
    return found


def format_document(nodes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The lines of a document, each with its end."""
    yield f'{{"@context":{_context()},{_OPEN}'
    separator = "\n"
    for node in nodes:
        yield separator + json.dumps(node, ensure_ascii=False, separators=(",", ":"))
        separator = ",\n"
    yield f"\n{_CLOSE}\n"


def parse_document(stream: IO[str]) -> Iterator[dict[str, Any]]:
    """The nodes of a document, one after the other.

    Raises:
        BadInput: it is not JSON, has no graph and is no node, or is too large for how it is laid out.
    """
    head = stream.readline(_MAX_LINE)
    if head.rstrip().endswith(_OPEN):
        yield from _lines(stream)
        return
    text = head + stream.read(_MAX_WHOLE)
    if len(text) > _MAX_WHOLE:
        raise BadInput("a large document that has not one node a line", where=_WHERE, mend="see: docs/records.md")
    document = _decoded(text)
    if not isinstance(document, dict):
        raise BadInput("not a JSON object", where=_WHERE, mend=_DOCUMENT)
    graph = document.get("@graph", [document])
    for node in graph if isinstance(graph, list) else [graph]:
        if not isinstance(node, dict):
            raise BadInput("a node that is not a JSON object", where=_WHERE, mend=_DOCUMENT)
        yield node


def _lines(stream: IO[str]) -> Iterator[dict[str, Any]]:
    number = 1
    while line := stream.readline(_MAX_LINE):
        number += 1
        text = line.strip()
        if text == _CLOSE:
            if stream.read(1 << 10).strip():
                raise BadInput("more after its end", where=f"line {number}", mend=_DOCUMENT)
            return
        if len(line) == _MAX_LINE:
            raise BadInput("a line of over two million characters", where=f"line {number}", mend=_DOCUMENT)
        if text:
            node = _decoded(text.removesuffix(","), f"line {number}")
            if not isinstance(node, dict):
                raise BadInput("a node that is not a JSON object", where=f"line {number}", mend=_DOCUMENT)
            yield node
    raise BadInput("cut off: it does not end", where=_WHERE, mend="fetch the file again")


def _decoded(text: str, where: str = _WHERE) -> object:
    try:
        found: object = json.loads(text)
        json.dumps(found, ensure_ascii=False).encode()  # half of a surrogate pair could not be written anywhere
    except (ValueError, RecursionError):
        raise BadInput("not JSON", where=where, mend=_DOCUMENT) from None
    return found
