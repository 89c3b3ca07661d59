"""A content's parts as templates: a small, closed piece of Jinja2 in which nothing can loop, call or reach out.

Fields are single texts, so a template needs no loop, no call, no attribute and no arithmetic. What is left out cannot
be used to run code or to run forever: a template is a tree of bounded depth whose every node is met at most once, and
whose output is counted while it is made. `SandboxedEnvironment` stands behind that as a second wall.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from jinja2 import StrictUndefined, Template, TemplateError, UndefinedError, meta, nodes
from jinja2.sandbox import SandboxedEnvironment

from imp_channel_email.faults import Unsendable
from imp_core.channel import Content, ContentFormat, PayloadInvalid

__all__ = ["FORMATS", "UNSUBSCRIBE", "Message", "Rendered", "compile_message"]

FORMATS: Final = (
    ContentFormat(name="subject", required=True, max_chars=500),
    ContentFormat(name="text", max_chars=200_000),
    ContentFormat(name="html", max_chars=500_000),
)
UNSUBSCRIBE = "unsubscribe_url"
_MAX_DEPTH, _MAX_FIELD, _MAX_OUTPUT = 24, 10_000, 1_000_000
_NODES: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Filter, nodes.Test, nodes.If,
    nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Keyword, nodes.Tuple,
    nodes.List,
)  # fmt: skip
# Not `safe`, which would let a field write HTML; not `replace`, `format`, `center`…, whose output outgrows their input.
_FILTERS: Final = frozenset(
    ("capitalize", "d", "default", "e", "escape", "int", "length", "lower", "title", "trim", "truncate", "upper",
     "urlencode")
)  # fmt: skip
_TESTS: Final = frozenset(("defined", "undefined"))
# What parsing, compiling or running a template may raise.
_BROKEN: Final = (TemplateError, SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError)
_CORRECT: Final = "correct the content in the campaign's file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A content with one person's fields put in; a part the content lacks is None."""

    subject: str
    text: str | None
    html: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A content's parts, compiled once. `names` are the fields they use, `linked` whether they show the link out."""

    parts: Mapping[str, Template]
    names: frozenset[str]
    linked: bool

    def render(self, fields: Mapping[str, str], unsubscribe_url: str) -> Rendered:
        """Put in one person's fields.

        Raises:
            Unsendable: a field that is used is missing or too long, or the message would be.
        """
        values = {name: fields[name] for name in self.names if name in fields}
        if any(len(value) > _MAX_FIELD for value in values.values()):
            raise Unsendable("field-too-long")
        values[UNSUBSCRIBE] = unsubscribe_url
        made = {name: _render(template, values) for name, template in self.parts.items()}
        return Rendered(subject=made["subject"], text=made.get("text"), html=made.get("html"))


def compile_message(content: Content) -> Message:
    """Compile a content's parts.

    Raises:
        PayloadInvalid: a part is missing, unknown, too long, or holds what a template may not.
    """
    _check_parts(content)
    parts, names = {}, set[str]()
    for name, source in content.parts.items():
        environment = _HTML if name == "html" else _PLAIN
        try:
            tree = environment.parse(source)
            _check_tree(tree, name)
            names |= meta.find_undeclared_variables(tree)
            parts[name] = environment.from_string(tree)
        except _BROKEN:
            raise _invalid("template", f"the part {name} is no template that can be read") from None
    return Message(parts=parts, names=frozenset(names - {UNSUBSCRIBE}), linked=UNSUBSCRIBE in names)


def _check_parts(content: Content) -> None:
    known = {item.name: item for item in FORMATS}
    for name, source in content.parts.items():
        if name not in known:
            raise _invalid("part-unknown", f"a message has the parts {', '.join(known)}")
        limit = known[name].max_chars
        if limit is not None and len(source) > limit:
            raise _invalid("part-too-long", f"the part {name} is longer than {limit} characters")
    if not content.parts.get("subject", "").strip():
        raise _invalid("subject-missing", "the content has no subject")
    if not any(content.parts.get(name, "").strip() for name in ("text", "html")):
        raise _invalid("body-missing", "the content has neither text nor html")


def _check_tree(tree: nodes.Node, part: str) -> None:
    level: list[nodes.Node] = [tree]
    for _ in range(_MAX_DEPTH):
        for node in level:
            if not _allowed(node):
                what = f"{type(node).__name__} {getattr(node, 'name', '')}".strip()[:50]
                raise _invalid("template", f"the part {part} uses {what!a}, which no template may")
        level = [child for node in level for child in node.iter_child_nodes()]
        if not level:
            return
    raise _invalid("template", f"the part {part} is nested too deeply")


def _allowed(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Filter):
        return node.name in _FILTERS
    if isinstance(node, nodes.Test):
        return node.name in _TESTS
    if isinstance(node, nodes.Name):
        return node.name != "self"  # the template itself, not a field
    return isinstance(node, _NODES)


def _render(template: Template, values: Mapping[str, str]) -> str:
    pieces, size = [], 0
    try:
        for piece in template.generate(values):
            size += len(piece)
            if size > _MAX_OUTPUT:
                raise Unsendable("message-too-long")
            pieces.append(piece)
    except UndefinedError:
        raise Unsendable("field-missing") from None
    except (*_BROKEN, AssertionError):  # a filter asserts its arguments
        raise Unsendable("template") from None
    return "".join(pieces)


def _invalid(code: str, problem: str) -> PayloadInvalid:
    return PayloadInvalid(code, mend=f"{problem}: {_CORRECT}")


def _environment(*, autoescape: bool) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        undefined=StrictUndefined, autoescape=autoescape, auto_reload=False, keep_trailing_newline=True
    )
    environment.globals.clear()  # range, lipsum, cycler and the like
    return environment


_PLAIN = _environment(autoescape=False)
_HTML = _environment(autoescape=True)
