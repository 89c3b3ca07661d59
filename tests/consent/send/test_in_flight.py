"""Somebody leaves while a message to them is under way: the answer says so, and the channel is told afterwards."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.fixture
def under_way(real_shop):
    """A send to p0 and p1 whose channel waits for `let_go`; returns the shop and `let_go`, which ends it."""
    shop = real_shop
    shop.everybody(2)
    shop.settings(mode="signal")
    imp = Path(sys.executable).with_name("imp")
    words = [imp, "send", "post", "--audience", shop.people(2), "--campaign", "spring", "--execute"]
    process = subprocess.Popen(
        words, env=shop.imp.environ, cwd=shop.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    end = time.monotonic() + 30
    while not Path(f"{shop.inbox}.started").exists():
        assert time.monotonic() < end, "the send never began"
        time.sleep(0.01)

    def let_go():
        Path(f"{shop.inbox}.go").touch()
        process.communicate(timeout=60)
        return process.returncode

    yield shop, let_go
    process.kill()
    process.communicate()


def test_who_withdraws_or_is_erased_hears_what_is_under_way(under_way):
    shop, let_go = under_way
    words = ("consent", "record", "email:p0@example.com", "--purpose", "marketing.email", "--state", "withdrawn")
    assert shop.imp(*words, "--json").ok().json["in_flight"] == 1
    erased = shop.imp("consent", "erase", "email:p1@example.com", "--execute", "--json").ok().json
    assert erased["in_flight"] == 1
    assert [(item["channel"], item["told"], item["due"]) for item in erased["told"]] == [("post", 0, 1)]
    assert "a send is under way" in erased["told"][0]["problem"]
    assert let_go() == 0
    assert shop.addresses() == ["p0@example.com", "p1@example.com"]
    assert shop.imp(*words, "--json").ok().json["in_flight"] == 0
    assert "under way" not in shop.imp("consent", "tell").out
    shop.imp("audit", "verify").ok()
