"""Templates that can neither reach out nor run on, and the plan that shows them before anything is sent."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from imp_channel_email.faults import Unsendable
from imp_channel_email.template import compile_message
from imp_core.channel import Content, PayloadInvalid

TABLE = {
    "host": "smtp.shop.example",
    "sender": "Shop <news@shop.example>",
    "unsubscribe_url": "https://shop.example/u",
    "imprint": "Shop Ltd, 1 Road",
}
FIELDS = {"first_name": "Ann", "n": "7"}


def render(text, html=None, **fields):
    parts = {"subject": "Hi", "text": text, **({"html": html} if html else {})}
    return compile_message(Content(name="a", parts=parts)).render(fields or FIELDS, "https://shop.example/u?t=1&x=2")


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Hello {{ first_name }}", "Hello Ann"),
        ("{{ first_name|upper }}", "ANN"),
        ("{% if n == '7' %}seven{% elif n %}other{% else %}none{% endif %}", "seven"),
        ("{{ n|int }}{{ 'x' if n|int > 3 and not first_name == 'Bob' else 'y' }}", "7x"),
        ("{{ nickname|default('you') }}{% if nickname is defined %}!{% endif %}", "you"),
        ("{{ 'a' if first_name in ('Ann', 'Bob') else 'b' }}", "a"),
        ("{% raw %}{{ n }}{% endraw %}{# nothing #}", "{{ n }}"),
        ("{{ unsubscribe_url }}", "https://shop.example/u?t=1&x=2"),
        ("<b>{{ first_name }}</b>\n", "<b>Ann</b>\n"),
    ],
)
def test_what_a_template_may_do(template, text):
    assert render(template).text == text


def test_html_is_escaped_and_text_is_not():
    rendered = render("{{ f }}", "<p>{{ f }}</p><a href='{{ unsubscribe_url }}'>out</a>", f="<script>'\"&")
    assert rendered.text == "<script>'\"&"
    assert rendered.html == "<p>&lt;script&gt;&#39;&#34;&amp;</p><a href='https://shop.example/u?t=1&amp;x=2'>out</a>"


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}", "{{ first_name.__class__.__mro__ }}", "{{ first_name['__class__'] }}",
        "{{ first_name[0] }}",
        "{{ first_name|attr('__class__') }}", "{{ self }}", "{{ self.__init__ }}", "{{ first_name.format() }}",
        "{{ lipsum(100000) }}", "{{ range(10)|list }}", "{{ cycler('a') }}", "{{ namespace() }}", "{{ dict() }}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% for c in n %}{% endfor %}",
        "{{ 10**10**10 }}", "{{ 'a' * 10000000000 }}", "{{ 2 + 2 }}", "{{ '%99999999999d' % 1 }}", "{{ -n|int }}",
        "{{ 'a' ~ 'b' }}", "{% set a = 'x' %}", "{% set a %}x{% endset %}", "{% macro m() %}{% endmacro %}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", "{% include 'x' %}", "{% import 'x' as y %}",
        "{% extends 'x' %}", "{% block b %}{% endblock %}", "{% filter upper %}x{% endfilter %}", "{% do 1 %}",
        "{% autoescape false %}{{ first_name }}{% endautoescape %}", "{{ first_name|safe }}", "{% with %}{% endwith %}",
        "{{ 'x'|center(10000000000) }}", "{{ 'x'|replace('x', 'xx') }}", "{{ [1]|sum }}", "{{ 'x'|format(1) }}",
        "{{ n is divisibleby 0 }}", "{{ caller() }}", "{{ first_name", "{% if n %}", "{{ }}", "{{ n|nope }}",
        "{{ 1 is nope }}",
        "{{ " + "(" * 50_000 + "1" + ")" * 50_000 + " }}", "{{ n" + "|upper" * 30 + " }}", "{{ " + "9" * 10_000 + " }}",
        "{% if n %}" * 40 + "{% endif %}" * 40, "{{ " + "not " * 1_000 + "n }}", "x" * 200_001,
    ],
)  # fmt: skip
def test_what_a_template_may_not_do_is_refused_before_anything_runs(template):
    began = time.monotonic()
    with pytest.raises(PayloadInvalid) as caught:
        render(template)
    assert time.monotonic() - began < 5
    assert "text" in caught.value.mend


@pytest.mark.parametrize(
    ("template", "fields", "code"),
    [
        ("{{ other }}", {"n": "7"}, "field-missing"),
        ("{% if other %}x{% endif %}", {"n": "7"}, "field-missing"),
        ("{{ n }}", {"n": "x" * 10_001}, "field-too-long"),
        ("{{ n }}" * 200, {"n": "x" * 10_000}, "message-too-long"),
        ("{{ n > 1 }}", {"n": "7"}, "template"),
        ("{{ n|truncate(1, true, 'long end') }}", {"n": "x" * 99}, "template"),
    ],
)
def test_a_row_that_cannot_be_rendered_says_why_in_a_code(template, fields, code):
    with pytest.raises(Unsendable) as caught:
        render(template, **fields)
    assert (caught.value.code, caught.value.__cause__) == (code, None)


def test_what_grows_is_stopped_before_it_takes_memory():
    message = compile_message(Content(name="a", parts={"subject": "x", "text": "{{ n|urlencode }}" * 10_000}))
    tracemalloc.start()
    try:
        with pytest.raises(Unsendable, match="message-too-long"):
            message.render({"n": "ä" * 10_000}, "")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"text": "x"}, "subject-missing"),
        ({"subject": " ", "text": "x"}, "subject-missing"),
        ({"subject": "x"}, "body-missing"),
        ({"subject": "x", "html": " "}, "body-missing"),
        ({"subject": "x" * 501, "text": "x"}, "part-too-long"),
        ({"subject": "x", "text": "x", "amp": "x"}, "part-unknown"),
        ({"subject": "{{ nickname|d('') }}", "text": "x"}, "subject-empty"),
        ({"subject": "x", "text": "{{ undeclared }}"}, "field-missing"),
        ({"subject": "x", "text": "{{ n > 1 }}"}, "template"),
    ],
)
def test_a_content_that_cannot_be_sent_is_refused_by_plan(channel, context_of, batch_of, parts, code):
    batch, _ = batch_of("ann@example.com", parts=parts, fields={"n": "7"})
    with pytest.raises(PayloadInvalid) as caught:
        channel.plan(context_of(TABLE), batch)
    assert caught.value.code == code
    assert caught.value.mend


def test_plan_shows_contents_with_made_up_fields_and_nobody(channel, context_of, batch_of):
    parts = {
        "subject": "Hi {{ first_name }}",
        "text": "{{ first_name }}: {{ unsubscribe_url }}",
        "html": "<p>{{ n }}</p>",
    }
    batch, _ = batch_of("ann@example.com", "bob@example.com", parts=parts, fields=FIELDS)
    plan = channel.plan(context_of(TABLE), batch)
    assert (plan.messages, plan.cost, plan.currency) == (2, None, None)
    (preview,) = plan.previews
    assert preview.content == "plain"
    assert preview.parts == {
        "subject": "Hi ‹first_name›",
        "text": "‹first_name›: https://shop.example/u?t=TOKEN\n\n-- \nShop Ltd, 1 Road\n",
        "html": "<p>‹n›</p><p>Shop Ltd, 1 Road</p>\n",
    }
    assert "Ann" not in repr(plan)


@pytest.mark.parametrize(
    ("parts", "changes", "warned"),
    [
        ({"subject": "x", "html": "{{ unsubscribe_url }}"}, {}, "no text part"),
        ({"subject": "x" * 79, "text": "{{ unsubscribe_url }}"}, {}, "longer than 78"),
        ({"subject": "x", "text": "x"}, {}, "does not show unsubscribe_url"),
        ({"subject": "x", "text": "{{ unsubscribe_url }}"}, {"imprint": None}, "imprint"),
        ({"subject": "x", "text": "{{ unsubscribe_url }}"}, {}, "not signed"),
        (
            {"subject": "x", "text": "{{ unsubscribe_url }}"},
            {"dkim_domain": "other.example", "dkim_selector": "s"},
            "DMARC",
        ),
    ],
)
def test_plan_warns_of_what_is_allowed_and_unwise(channel, context_of, batch_of, dkim_key, parts, changes, warned):
    batch, _ = batch_of("ann@example.com", parts=parts)
    table = {key: value for key, value in {**TABLE, **changes}.items() if value is not None}
    secrets = {"dkim_key": dkim_key.path} if "dkim_domain" in changes else {}
    assert any(warned in warning for warning in channel.plan(context_of(table, **secrets), batch).warnings)


def test_plan_has_nothing_to_say_of_a_message_in_order(channel, context_of, batch_of, dkim_key):
    parts = {"subject": "x", "text": "{{ unsubscribe_url }}"}
    table = {**TABLE, "dkim_domain": "shop.example", "dkim_selector": "s1"}
    plan = channel.plan(context_of(table, dkim_key=dkim_key.path), batch_of("ann@example.com", parts=parts)[0])
    assert list(plan.warnings) == []
    receipt, _ = batch_of("ann@example.com", parts={"subject": "Your order", "text": "x"}, purpose="essential")
    assert list(channel.plan(context_of({"host": "h", "sender": "a@b.example"}), receipt).warnings) == []


@pytest.mark.parametrize("purpose", ["marketing.email", "marketing.email.newsletter", "anything"])
def test_r39_advertising_without_a_way_out_is_refused(channel, context_of, batch_of, purpose):
    table = {key: value for key, value in TABLE.items() if key != "unsubscribe_url"}
    batch, _ = batch_of("ann@example.com", purpose=purpose)
    with pytest.raises(PayloadInvalid, match="unsubscribe-missing"):
        channel.plan(context_of(table), batch)
