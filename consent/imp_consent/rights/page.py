"""The copy of a person's data as a page that anybody can read: one file, no script, nothing loaded from elsewhere.

Whatever people or machines wrote is escaped, stands in a box of its own direction (`dir="auto"`, isolated), and loses
the characters that no text needs: a right-to-left override in one field turns nothing else around.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from imp_consent.rights.access import Access, OwnEvent, ShownNotice
from imp_consent.rights.own_entries import OwnEntry
from imp_consent.rights.own_messages import OwnMessage
from imp_consent.rights.plain import in_words

__all__ = ["render_page", "without_controls"]

# Controls, and marks that embed or override a direction; line ends and tabs stay, as do marks that join letters.
_UNSAFE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_STYLE: Final = """
body{font:1rem/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2.2rem;border-bottom:1px solid #bbb}
table{border-collapse:collapse;width:100%}th,td{text-align:start;vertical-align:top;padding:.3rem .6rem .3rem 0;
border-bottom:1px solid #ddd;overflow-wrap:anywhere}th{font-weight:600}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f5f5f5;padding:.6rem;font:inherit}
summary{cursor:pointer}s{color:#666}.none{color:#666}
"""
# Fields that hold times, as people call them; what they hold is written as a time.
_TIMES: Final = {"event_us": "happened", "recorded_us": "recorded at", "ask_again_us": "nobody asks again before"}
_REASONS: Final = {
    "given": "you agreed",
    "basis": "another legal basis is on record",
    "no_record": "we have no record that you agreed",
    "purpose_not_covered": "what you agreed to does not cover it",
    "expired": "your consent has run out",
    "notice_changed": "the notice has changed since you agreed",
    "lost": "the record of your consent was lost",
    "refused": "you refused",
    "channel_opt_out": "you opted out on this channel",
    "signal": "your browser or device says no",
    "limited": "you limited the use of sensitive data",
    "withdrawn": "you withdrew your consent",
    "objected": "you objected",
    "under_age": "a guardian's consent is needed",
    "restricted": "the use of your data is restricted",
    "erased": "your erasure was requested",
    "ledger_unavailable": "our records cannot be read",
}


def render_page(copy: Access) -> str:
    """The whole page as HTML."""
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
            '<meta name="viewport" content="width=device-width">\n<meta name="referrer" content="no-referrer">\n',
            f"<title>Your data at {_escaped(copy.controller)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n",
            *_head(copy),
            *(_sections(copy) if copy.known else ()),
            *_section("How long we keep it", _list(copy.retention), "No period is set: see the notices."),
            *_rights(copy),
            "</body>\n</html>\n",
        ]
    )


def _head(copy: Access) -> Iterator[str]:
    yield f"<h1>Your data at {_text(copy.controller)}</h1>\n"
    yield "<p>This is a copy of everything we hold about you in our records of consent and marketing, and only of "
    yield f"that. It was made on {_text(copy.made)}"
    yield f" for your request {_text(copy.request)}, received {_text(copy.received)}" if copy.request else ""
    yield ". The file access.json beside this page holds the same for a computer.</p>\n"
    if copy.known:
        kinds = ", ".join(f"{n} of the kind {kind}" for kind, n in copy.identifiers.items())
        yield f"<p>We know you by {_text(kinds)}. We do not hold the address or number itself, only a code made "
        yield "from it with a secret key.</p>\n"
    elif copy.erased:
        yield "<p>You were erased. We keep one code, made from your identifier with a secret key, for one purpose: "
        yield "that nobody takes you up again without your consent.</p>\n"
    else:
        yield "<p>We hold nothing about you by this identifier.</p>\n"


def _sections(copy: Access) -> Iterator[str]:
    rows = [
        (p.purpose, p.description, "yes" if p.permitted else "no", _REASONS.get(p.reason, p.reason), p.source)
        for p in copy.permissions
    ]
    permitted = ("Purpose", "What it is", "May we?", "Because", "Law")
    yield from _section("What we may do with your data now", _table(permitted, rows))
    entries = (line for entry in copy.entries for line in _entry(entry))
    yield from _section("What you said, and what we noted", entries, "Nothing.")
    yield from _section("The notices you were shown", (line for n in copy.notices for line in _notice(n)), "None.")
    yield from _section("What you did", _events(copy.touchpoints), "Nothing is recorded.")
    yield from _section("Versions you were shown in tests", _events(copy.exposures), "None.")
    yield from _section("What came of it, such as orders", _events(copy.outcomes), "Nothing is recorded.")
    yield from _section("What we noted about you", _events(copy.traits), "Nothing.")
    messages = (line for message in copy.messages for line in _message(message))
    yield from _section("Messages to you", messages, "None.")
    uses = [(u.at, u.purpose, u.action, str(u.events), u.ended, str(u.entry)) for u in copy.uses]
    heads = ("When", "Purpose", "What was done", "Events of yours, at most", "Ended", "Entry")
    yield from _section("Uses of your data", _table(heads, uses), "None.")
    others = [(r.name, "; ".join(r.because), r.contact or "", _numbers(r.entries)) for r in copy.recipients]
    yield from _section(
        "Who received your data, or may have", _table(("Who", "Why", "Contact", "Entries"), others), "Nobody."
    )


def _rights(copy: Access) -> Iterator[str]:
    yield "<h2>Your rights</h2>\n<p>You may have your data corrected, erased, restricted or handed over; you may "
    yield f"object, and withdraw any consent as easily as you gave it. Write to {_text(copy.controller)}. You may "
    yield "complain to a data protection authority, and go to court.</p>\n"


def _entry(entry: OwnEntry) -> Iterator[str]:
    said = _text(entry.sentence)
    gone = entry.superseded_by
    yield "<details><summary>"
    yield (
        f"{_text(entry.at)}: {said}"
        if gone is None
        else f"{_text(entry.at)}: <s>{said}</s> (corrected by entry {gone})"
    )
    yield f"</summary>\n{''.join(_fields(_entry_fields(entry)))}</details>\n"


def _entry_fields(entry: OwnEntry) -> dict[str, Any]:
    return {
        "entry": entry.seq,
        "recorded": entry.recorded,
        "recorded by": entry.recorded_by,
        "notice": entry.notice,
        **{name: value for name, value in entry.record.items() if value not in (None, [], "")},
    }


def _notice(shown: ShownNotice) -> Iterator[str]:
    notice = shown.notice
    yield f"<details><summary>{_text(notice.name)}, version {notice.version}, {_text(notice.language)}</summary>\n"
    yield from _fields({"controller": notice.controller, "purposes": ", ".join(notice.purposes),
                        "data": ", ".join(notice.data), "recipients": ", ".join(notice.recipients) or "none named",
                        "SHA-256": shown.sha256})  # fmt: skip
    yield f'<pre lang="{_escaped(notice.language)}" dir="auto">{_escaped(notice.text)}</pre></details>\n'


def _message(message: OwnMessage) -> Iterator[str]:
    yield f"<details><summary>{_text(message.at)}: {_text(message.campaign)} on {_text(message.channel)}, "
    yield f"{_text(message.status)}</summary>\n"
    yield from _fields({"purpose": message.purpose, "version": message.variant, "entry": message.entry})
    for name, text in message.said.items():
        yield f'<p>{_text(name)}</p><pre dir="auto">{_escaped(text)}</pre>'
    yield "</details>\n"


def _events(events: Sequence[OwnEvent]) -> Iterator[str]:
    for event in events:
        shown = (
            event.fields.get("name") or event.fields.get("trait_key") or event.fields.get("experiment") or event.type
        )
        yield f"<details><summary>{_text(event.at)}: {_text(shown)}</summary>\n"
        yield from _fields({"came from": event.source, "taken in": event.received, **event.fields})
        yield "</details>\n"


def _section(title: str, content: Iterable[str], none: str = "") -> Iterator[str]:
    body = "".join(content)
    yield f"<h2>{_escaped(title)}</h2>\n"
    yield body or f'<p class="none">{_escaped(none)}</p>\n'


def _fields(values: Mapping[str, Any]) -> Iterator[str]:
    yield "<table>\n"
    for name, value in values.items():
        if value is not None:
            named = _TIMES.get(name) or name.replace("_", " ")
            yield f"<tr><th>{_text(named)}</th><td>{_text(in_words(value, name))}</td></tr>\n"
    yield "</table>\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    yield f"<table>\n<tr>{''.join(f'<th>{_escaped(head)}</th>' for head in heads)}</tr>\n"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>\n"
    yield "</table>\n"


def _list(items: Sequence[str]) -> Iterator[str]:
    if items:
        yield f"<ul>{''.join(f'<li>{_text(item)}</li>' for item in items)}</ul>\n"


def _numbers(entries: Sequence[int]) -> str:
    return ", ".join(map(str, entries))


def _text(value: object) -> str:
    """A value as text of its own direction."""
    return f'<bdi dir="auto">{_escaped(in_words(value))}</bdi>'


def without_controls(text: str) -> str:
    """The text with a mark for each control, and each mark that would turn other text around."""
    return _UNSAFE.sub("\ufffd", text)


def _escaped(text: str) -> str:
    return html.escape(without_controls(text), quote=True)
