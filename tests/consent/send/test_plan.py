"""A dry run hands the channel nothing of anybody, and whatever it answers is read as a stranger's words."""

from __future__ import annotations

import re
import sys

import pytest


@pytest.fixture
def planning(shop, post_site):
    """The shop, and `plan` replaced by other code."""

    def replaced(body):
        path = post_site / "stranger_post" / "plugin.py"
        text = path.read_text(encoding="utf-8")
        marker = (
            "        def plan(self, ctx, batch):\n"
            if "        def plan" in text
            else "    def plan(self, ctx, batch):\n"
        )
        indent = " " * (len(marker) - len(marker.lstrip()) + 4)
        lines = "".join(f"{indent}{line}\n" for line in body.splitlines())
        path.write_text(text.replace(marker, marker + lines), encoding="utf-8")
        sys.modules.pop("stranger_post.plugin", None)
        return shop

    return replaced


def test_the_channel_plans_with_made_up_people(planning):
    shop = planning(
        "words = repr([(row.handle, row.key, dict(row.fields), row.unsubscribe) for row in batch.rows])\n"
        "return Plan(messages=1, previews=[Preview(content='message', parts={'text': words})])"
    )
    shop.everybody(2)
    answer = shop.send(shop.people(2)).ok()
    shown = answer.json["plan"]["previews"][0]["parts"]["text"]
    assert "‹name›" in shown
    assert not re.search(r"P0|P1|[0-9a-f]{32}|[A-Za-z0-9_-]{90}", shown)


@pytest.mark.parametrize(
    "body",
    [
        "return None",
        "return Plan(messages=-1)",
        "return Plan(messages=True)",
        "return Plan(messages=1, cost=Decimal('NaN'))",
        "import itertools\nreturn Plan(messages=1, warnings=itertools.repeat('x'))",
        "class D(dict):\n    def keys(self):\n        raise SystemExit(0)\n"
        "    def __iter__(self):\n        raise SystemExit(0)\n"
        "return Plan(messages=1, previews=[Preview(content='m', parts=D(a='b'))])",
    ],
)
def test_an_answer_that_is_no_plan_breaks_the_plugin_and_nothing_else(planning, body):
    shop = planning(body)
    shop.everybody(1)
    answer = shop.send(shop.people(1))
    assert answer.code == 3
    assert "post" in answer.err
