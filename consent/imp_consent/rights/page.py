"""The copy of a person's data as a page that anybody can read: one file, no script, nothing loaded from elsewhere.

Whatever people or machines wrote is escaped, stands in a box of its own direction (`dir="auto"`, isolated), and loses
the characters that no text needs: a right-to-left override in one field turns nothing else around. The page's own words
are of the language of a `Wording`; what is quoted stays as it is.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from imp_consent.ledger.entry import EVERY_PURPOSE
from imp_consent.rights.access import Access, OwnEvent, ShownNotice
from imp_consent.rights.kept import Kept, kept_texts, nothing_set
from imp_consent.rights.own_authorisations import OwnAuthorisation
from imp_consent.rights.own_entries import OwnEntry, kind_of
from imp_consent.rights.own_messages import OwnMessage
from imp_consent.rights.own_permissions import permission_rows
from imp_consent.rights.own_words import sentence
from imp_consent.rights.plain import in_words, is_technical, minute, money
from imp_consent.rights.wording import Wording

__all__ = ["render_page", "without_controls"]

# Controls, and marks that embed or override a direction; line ends and tabs stay, as do marks that join letters.
_UNSAFE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_STYLE: Final = """
body{font:1rem/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2.2rem;border-bottom:1px solid #bbb}
table{border-collapse:collapse;width:100%}th,td{text-align:start;vertical-align:top;padding:.3rem .6rem .3rem 0;
border-bottom:1px solid #ddd;overflow-wrap:anywhere}th{font-weight:600}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f5f5f5;padding:.6rem;font:inherit}
details details{margin:.5rem 0;color:#444}address{font-style:normal;margin:.6rem 0}
summary{cursor:pointer}s{color:#666}.none{color:#666}
"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_BLANK: Final = re.compile(r"\{(\w+)\}")
_OF_SAYER: Final = {"self": "self", "guardian": "guardian"}  # who recorded an entry, where it was no employee or system


def render_page(copy: Access, words: Wording, periods: tuple[Kept, ...] = ()) -> str:
    """The whole page as HTML; `periods` are for how long what is kept."""
    return "".join(_Page(copy, words, periods).lines())


class _Page:
    """One person's page in one language."""

    def __init__(self, copy: Access, words: Wording, periods: tuple[Kept, ...]) -> None:
        self._copy = copy
        self._words = words
        self._periods = periods
        self._described = {one.purpose: one.description for one in copy.permissions}

    def lines(self) -> Iterator[str]:
        title = self._words.say("page", "title", controller=self._copy.controller)
        yield f'<!DOCTYPE html>\n<html lang="{_escaped(self._words.tag)}">\n<head>\n<meta charset="utf-8">\n'
        yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        yield '<meta name="viewport" content="width=device-width">\n<meta name="referrer" content="no-referrer">\n'
        yield f"<title>{_escaped(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        yield from self._head()
        if self._copy.identifiers:
            yield from self._sections()
        if self._copy.authorisations:
            yield from self._section("authorisations", map(self._authorisation, self._copy.authorisations))
        kept = kept_texts(self._periods, self._words)
        yield from self._section("kept", _list(kept or (nothing_set(self._words),)))
        yield f"<h2>{self._phrase('rights')}</h2>\n"
        yield f"<p>{self._phrase('rights_text', controller=self._copy.controller)}</p>\n"
        yield from self._reach()
        yield "</body>\n</html>\n"

    def _reach(self) -> Iterator[str]:
        """Where to write, as imp.toml says it."""
        reach = self._copy.reach
        if reach.lines:
            yield f"<address>{'<br>'.join(map(_text, (self._copy.controller, *reach.lines)))}</address>\n"
        if reach.dpo:
            yield f"<p>{self._phrase('officer', dpo=reach.dpo)}</p>\n"

    def _head(self) -> Iterator[str]:
        copy = self._copy
        yield f"<h1>{self._phrase('title', controller=copy.controller)}</h1>\n"
        yield f"<p>{self._phrase('copy', made=copy.made)} "
        if copy.request:
            yield f"{self._phrase('asked', request=copy.request, received=copy.received)} "
        yield f"{self._phrase('beside')}</p>\n"
        if copy.identifiers:
            counts = [self._words.say("page", "kinds", n=n, kind=kind) for kind, n in copy.identifiers.items()]
            yield f"<p>{self._phrase('known', kinds=self._words.between.join(counts))}</p>\n"
        elif not copy.authorisations:
            yield f"<p>{self._phrase('erased' if copy.erased else 'unknown')}</p>\n"

    def _sections(self) -> Iterator[str]:
        copy = self._copy
        yield from self._section("permissions", self._permissions())
        yield from self._section("entries", (line for entry in copy.entries for line in self._entry(entry)))
        yield from self._section("notices", (line for n in copy.notices for line in self._notice(n)), "none")
        yield from self._section("events", self._events(copy.touchpoints))
        yield from self._section("exposures", self._events(copy.exposures), "none")
        yield from self._section("outcomes", self._events(copy.outcomes))
        yield from self._section("traits", self._events(copy.traits))
        yield from self._section("messages", (line for m in copy.messages for line in self._message(m)), "none")
        yield from self._section("uses", self._uses(), "none")
        yield from self._section("received", self._recipients(), "nobody")

    def _permissions(self) -> Iterator[str]:
        rows = permission_rows(self._words, self._copy.permissions)
        return self._table(("purpose", "what", "used", "may", "because", "law"), rows)

    def _uses(self) -> Iterator[str]:
        own = self._words.maybe
        rows = [
            (
                one.at,
                one.purpose,
                own("values", one.action, one.action),
                str(one.events),
                own("values", one.ended, one.ended),
                str(one.entry),
            )
            for one in self._copy.uses
        ]
        return self._table(("when", "purpose", "action", "most", "ended", "entry"), rows)

    def _recipients(self) -> Iterator[str]:
        rows = [
            (
                one.name,
                "; ".join(self._words.again("because", text) for text in one.because),
                one.contact or "",
                ", ".join(map(str, one.entries)),
            )
            for one in self._copy.recipients
        ]
        return self._table(("who", "why", "contact", "numbers"), rows)

    def _entry(self, entry: OwnEntry) -> Iterator[str]:
        told = sentence(
            self._words,
            type_=kind_of(entry.statement, entry.record),
            purpose=entry.purpose,
            channel=entry.channel,
            until=None if entry.until is None else minute(entry.until),
            closes=entry.closes,
            description=self._described.get(entry.purpose),
        )
        gone = entry.superseded_by
        summary = f"{_text(entry.at)}: {_text(told)}"
        if gone is not None:
            summary = f"{_text(entry.at)}: <s>{_text(told)}</s> ({self._phrase('corrected', entry=gone)})"
        yield f"<details><summary>{summary}</summary>\n{''.join(self._fields(self._entry_fields(entry)))}</details>\n"

    def _authorisation(self, one: OwnAuthorisation) -> str:
        said = self._phrase("authorised", at=one.at, role=self._words.say("roles", one.role))
        proof = f" {self._phrase('proof', controller=self._copy.controller)}" if one.proof else ""
        return f"<p>{said}{proof}</p>\n"

    def _entry_fields(self, entry: OwnEntry) -> dict[str, Any]:
        own = {name: value for name, value in entry.record.items() if value not in (None, [], "")}
        if "withdrawal_method" in own:
            own["withdrawal_method"] = self._words.say("values", "as_notice")
        return {
            "entry": entry.seq,
            "recorded": entry.recorded,
            "recorded_by": self._words.say("values", _OF_SAYER.get(entry.recorded_by, "staff")),
            "notice": entry.notice,
            **({"purpose_data": entry.purpose_data} if entry.purpose_data else {}),
            **own,
        }

    def _notice(self, shown: ShownNotice) -> Iterator[str]:
        notice = shown.notice
        named = self._phrase("notice", name=notice.name, version=notice.version, language=notice.language)
        yield f"<details><summary>{named}</summary>\n"
        none = self._words.say("values", "none_named")
        yield from self._fields({"controller": notice.controller, "purposes": ", ".join(notice.purposes),
                                 "data": ", ".join(notice.data), "recipients": ", ".join(notice.recipients) or none,
                                 "sha256": shown.sha256})  # fmt: skip
        yield f'<pre lang="{_escaped(notice.language)}" dir="auto">{_escaped(notice.text)}</pre></details>\n'

    def _message(self, message: OwnMessage) -> Iterator[str]:
        said = self._phrase("message", campaign=message.campaign, channel=message.channel, status=message.status)
        yield f"<details><summary>{_text(message.at)}: {said}</summary>\n"
        yield from self._fields({"purpose": message.purpose, "version": message.variant, "entry": message.entry})
        for name, text in message.said.items():
            yield f'<p>{_text(name)}</p><pre dir="auto">{_escaped(text)}</pre>'
        yield "</details>\n"

    def _events(self, events: Sequence[OwnEvent]) -> Iterator[str]:
        for event in events:
            fields = event.fields
            shown = fields.get("name") or fields.get("trait_key") or fields.get("experiment") or event.type
            yield f"<details><summary>{_text(event.at)}: {_text(shown)}</summary>\n"
            own = {"came_from": event.source, "taken_in": event.received, **fields}
            if isinstance(micros := fields.get("amount_micros"), int):
                own = {"amount": money(micros, fields.get("currency")), **own}
            yield from self._fields(own)
            yield "</details>\n"

    def _section(self, title: str, content: Iterable[str], none: str = "nothing") -> Iterator[str]:
        yield f"<h2>{self._phrase(title)}</h2>\n"
        yield "".join(content) or f'<p class="none">{self._phrase(none)}</p>\n'

    def _fields(self, values: Mapping[str, Any]) -> Iterator[str]:
        """A table of what a person has use for, and below it, folded, of the rest."""
        plain, technical = _apart({name: value for name, value in values.items() if value is not None})
        yield from self._rows(plain, _text)
        if technical:
            yield f"<details><summary>{self._phrase('technical')}</summary>\n"
            yield from self._rows(technical, _exactly)
            yield "</details>\n"

    def _rows(self, values: Mapping[str, Any], shown: Callable[[object], str]) -> Iterator[str]:
        yield "<table>\n"
        for name, value in values.items():
            yield f"<tr><th>{_text(self._label(name))}</th><td>{shown(self._value(value, name))}</td></tr>\n"
        yield "</table>\n"

    def _label(self, name: str) -> str:
        return self._words.maybe("fields", name, name.replace("_", " "))

    def _value(self, value: object, name: str) -> str:
        """A value in words; of our own words the language's."""
        if isinstance(value, Mapping) and value:
            return "; ".join(f"{self._label(str(part))}: {self._value(one, str(part))}" for part, one in value.items())
        if name == "purpose" and value == EVERY_PURPOSE:
            return self._words.say("about", "everything")
        plain = in_words(value, name)
        ours = not isinstance(value, str) and plain in {"yes", "no", "none"}
        return self._words.say("values", plain) if ours else plain

    def _table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
        if not rows:
            return
        yield f"<table>\n<tr>{''.join(f'<th>{self._phrase(head)}</th>' for head in heads)}</tr>\n"
        for row in rows:
            yield f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>\n"
        yield "</table>\n"

    def _phrase(self, key: str, **filled: object) -> str:
        """A text of the page as HTML, with what is filled in kept apart from it."""
        parts = _BLANK.split(self._words.tables["page"][key])
        return "".join(_text(filled[part]) if n % 2 else _escaped(part) for n, part in enumerate(parts))


def _list(items: Sequence[str]) -> Iterator[str]:
    if items:
        yield f"<ul>{''.join(f'<li>{_text(item)}</li>' for item in items)}</ul>\n"


def _apart(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields for everybody, and those for who looks after the records; of what is nested, each part by itself."""
    plain: dict[str, Any] = {}
    technical: dict[str, Any] = {}
    for name, value in values.items():
        if is_technical(name, value):
            technical[name] = value
        elif isinstance(value, Mapping) and value:
            for kept, part in ((plain, 0), (technical, 1)):
                if inner := _apart(value)[part]:
                    kept[name] = inner
        else:
            plain[name] = value
    return plain, technical


def _text(value: object) -> str:
    """A value as text of its own direction; a time to the minute."""
    return _exactly(minute(in_words(value)))


def _exactly(value: object) -> str:
    return f'<bdi dir="auto">{_escaped(in_words(value))}</bdi>'


def without_controls(text: str) -> str:
    """The text with a mark for each control, and each mark that would turn other text around."""
    return _UNSAFE.sub("\ufffd", text)


def _escaped(text: str) -> str:
    return html.escape(without_controls(text), quote=True)
