"""What a message holds when it arrives, and what nobody can make it hold."""

from __future__ import annotations

import email
import re
from email import policy

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imp_channel_email.compose import Composer
from imp_channel_email.mailbox import parse_mailbox
from imp_channel_email.settings import read_settings
from imp_channel_email.template import Rendered, compile_message
from imp_core.channel import Batch, Content

NOW_US = 1_772_366_400_000_000
TABLE = {
    "host": "127.0.0.1",
    "sender": "Müller & Söhne, Ltd. <news@shop.example>",
    "reply_to": "help@shop.example",
    "unsubscribe_url": "https://shop.example/u",
    "unsubscribe_mailto": "out@shop.example",
}
RAW_FIELD = re.compile(rb"([!-9;-~]+):((?:[^\r\n]|\r\n[ \t])*)\r\n")


def data_of(subject="Hi", text=None, html=None, *, key="k1", token="tok-1", purpose="marketing.email", **changes):  # noqa: S107 (made up)
    batch = Batch(
        id="b", campaign="春季", step="1", purpose=purpose, contents={}, rows=[], expires_us=NOW_US + 30_000_000
    )
    settings = read_settings({**TABLE, **changes})
    composer = Composer(settings=settings, signer=None, batch=batch, now_us=NOW_US)
    rendered = composer.signed_off(Rendered(subject=subject, text=text, html=html))
    letter = composer.compose(rendered, key=key, link=composer.link(token), token=token)
    return letter.addressed(parse_mailbox("ann@example.com"))


def read(data):
    return email.message_from_bytes(data, policy=policy.default)


def content(part):
    return part.get_content().replace("\r\n", "\n")


def fields_of(data):
    """The raw header fields, by a parser of our own: name in small letters → values."""
    head, _, _ = data.partition(b"\r\n\r\n")
    head += b"\r\n"
    found = RAW_FIELD.findall(head)
    assert b"".join(name + b":" + value + b"\r\n" for name, value in found) == head
    names = {}
    for name, value in found:
        names.setdefault(name.decode().lower(), []).append(value)
    return names


def test_text_and_html_are_alternatives_the_richer_one_last():
    message = read(data_of("Frühling für Ann – 春天", "Hello Ann\n.\n春天\n", "<p>Hello Ann</p>\n"))
    assert message["Subject"] == "Frühling für Ann – 春天"
    assert message["From"] == '"Müller & Söhne, Ltd." <news@shop.example>'
    assert message["Reply-To"] == "help@shop.example"
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), content(text)) == ("text/plain", "Hello Ann\n.\n春天\n")
    assert (html.get_content_type(), content(html)) == ("text/html", "<p>Hello Ann</p>\n")


@pytest.mark.parametrize(
    ("parts", "kind"), [({"text": "only text\n"}, "text/plain"), ({"html": "<p>only</p>\n"}, "text/html")]
)
def test_a_single_part_stands_alone(parts, kind):
    message = read(data_of(**parts))
    assert message.get_content_type() == kind
    assert content(message) == next(iter(parts.values()))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain\n-- \n.\n", "7bit"),
        ("x" * 79, "quoted-printable"),
        ("Grüße, und sonst nur ASCII in dieser Zeile\n", "quoted-printable"),
        ("春天到了\n" * 40, "base64"),
        ("ä" * 3_000, "base64"),
    ],
)
def test_a_body_is_seven_bits_in_short_lines(text, encoding):
    data = data_of(text=text)
    assert read(data)["Content-Transfer-Encoding"] == encoding
    assert data.isascii()
    assert max(map(len, data.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 78
    assert content(read(data)).rstrip("\n") == text.rstrip("\n")


def test_r50_one_click_unsubscribe_stands_as_rfc_8058_wants_it():
    fields = fields_of(data_of(text="x"))
    assert fields["list-unsubscribe"] == [
        b" <https://shop.example/u?t=tok-1>,\r\n <mailto:out@shop.example?subject=unsubscribe%20tok-1>"
    ]
    assert fields["list-unsubscribe-post"] == [b" List-Unsubscribe=One-Click"]
    long = "https://shop.example/" + "u" * 400 + "?list=1"
    (value,) = fields_of(data_of(text="x", unsubscribe_url=long, token="t" * 150))["list-unsubscribe"]
    assert value.startswith(f" <{long}&t={'t' * 150}>,".encode())


def test_r39_every_marketing_message_names_its_sender_and_an_address_to_say_no_to():
    fields = fields_of(data_of(text="x"))
    (sender,) = fields["from"]
    assert b"news@shop.example" in sender
    ways_out = b"".join(fields["list-unsubscribe"])
    assert b"<https://shop.example/u" in ways_out
    assert b"<mailto:out@shop.example" in ways_out


def test_what_a_contract_needs_carries_no_way_out_unless_there_is_one():
    fields = fields_of(data_of(text="x", purpose="essential", unsubscribe_url=None))
    assert not {"list-unsubscribe", "list-unsubscribe-post", "precedence"} & set(fields)
    assert fields["auto-submitted"] == [b" auto-generated"]


def test_a_message_tried_again_is_the_same_message():
    assert data_of(text="x", html="<p>x</p>") == data_of(text="x", html="<p>x</p>")
    assert fields_of(data_of(text="x"))["message-id"] != fields_of(data_of(text="x", key="k2"))["message-id"]
    assert b"k1" not in fields_of(data_of(text="x"))["message-id"][0]
    assert read(data_of(text="x"))["Date"] == "Sun, 01 Mar 2026 12:00:00 +0000"


def test_the_imprint_ends_every_part():
    message = read(data_of(text="Hi\n\n\n", html="<BODY>Hi</BODY >", imprint="Shop & Co\n1 Road"))
    text, html = message.iter_parts()
    assert content(text) == "Hi\n\n-- \nShop & Co\n1 Road\n"
    assert content(html).rstrip("\n") == "<BODY>Hi<p>Shop &amp; Co<br>1 Road</p>\n</BODY >"


# Anything a column of a file may hold, with what could end a line or a header made likely.
TEXTS = st.text(
    st.one_of(st.characters(), st.sampled_from("\r\n\t\x00\x0b\x0c\x85\u2028:.=<>@ä春"), st.just("\ud800")),
    max_size=300,
)


@given(subject=TEXTS, text=TEXTS, html=TEXTS, name=TEXTS)
@example(subject="a\rBcc: x@y.example", text="a\r.\r\nb\n.\n", html="\ud800\x00", name="\x85\u2028\r")
@example(subject="\ud800\x00\n.\r\nBcc: x@y.example", text="\x00", html="\r\n.\r\n", name="<b>")
def test_no_field_adds_a_header_or_ends_a_message(subject, text, html, name):
    message = compile_message(
        Content(name="a", parts={"subject": "Hi {{ s }}", "text": "{{ t }}{{ n }}", "html": "<p>{{ h }}{{ n }}</p>"})
    )
    rendered = message.render({"s": subject, "t": text, "h": html, "n": name}, "https://shop.example/u")
    data = data_of(rendered.subject, rendered.text, rendered.html)
    plain = fields_of(data_of("Hi", "x", "<p>x</p>"))
    fields = fields_of(data)
    assert {key: len(values) for key, values in fields.items()} == {key: len(values) for key, values in plain.items()}
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", data)
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert data.isascii()
    parsed = read(data)
    assert not parsed.defects
    assert len(list(parsed.iter_parts())) == 2
    bodies = [content(part) for part in parsed.iter_parts()]
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "".join(bodies))
    assert re.fullmatch(r"<p>[^<>]*</p>", content(parsed.get_body(("html",))).strip(), re.DOTALL)


@given(text=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=400))
def test_text_arrives_as_it_was_written(text):
    assert content(read(data_of(text=text))) == f"{text}\n"


@given(subject=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=200))
def test_a_subject_of_any_script_arrives(subject):
    assert str(read(data_of(subject, "x"))["Subject"]) == subject
