"""The audit report as headless Chromium shows it: nothing is asked of anybody, and the page is drawn."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import zlib

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
WIDTH = 1100


@pytest.fixture
def browser():
    """Headless Chromium; a skip where there is none, a failure under IMP_REQUIRE_CHROMIUM."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        reason = "no Chromium: apt-get install chromium"
        if os.environ.get("IMP_REQUIRE_CHROMIUM") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture
def show(browser, tmp_path):
    """Run the browser on a page with these words; returns what it printed. Whatever it asks the network is noted."""

    def run(page, *words):
        log = tmp_path / "net.json"
        base = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-extensions"]
        # it asks its maker for news of its own: here nobody has a name
        base += ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
        base += ["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
        base += [f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={log}"]
        done = subprocess.run(
            [*base, *words, page.as_uri()], capture_output=True, text=True, check=True, timeout=120,
            env={**os.environ, "HOME": str(tmp_path)},
        )  # fmt: skip
        return done.stdout

    return run


def pixels(path):
    """Width, height and the share of pixels that are not white of an 8-bit PNG."""
    data, at, body, width, height, channels = path.read_bytes(), 8, b"", 0, 0, 3
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, chunk = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, _, colour = struct.unpack(">IIBB", chunk[:10])
            channels = {2: 3, 6: 4}[colour]
        elif kind == b"IDAT":
            body += chunk
        at += length + 12
    raw, stride = zlib.decompress(body), width * channels + 1
    # a row of white is filter byte and nothing that changes: rows that differ from all others hold ink
    rows = {raw[start : start + stride] for start in range(0, len(raw), stride)}
    return width, height, len(rows) / height


@pytest.fixture
def page(shop, tmp_path):
    """A report with a plot of each kind, a rotated key and a use to review."""
    shop("keys", "rotate", "pepper", "--execute")
    shop("audit", "report", "--out", tmp_path / "report.html")
    return tmp_path / "report.html"


def test_the_page_is_drawn_and_its_plot_lies_within(show, page, tmp_path):
    show(page, f"--window-size={WIDTH},3000", f"--screenshot={tmp_path / 'shot.png'}")
    width, height, inked = pixels(tmp_path / "shot.png")
    assert (width, height) == (WIDTH, 3000)
    assert inked > 0.1


def test_the_browser_reads_the_page_as_it_was_written(show, page):
    drawn = show(page, "--dump-dom")
    assert drawn.count("<svg") == 2
    assert "Verified: everything agrees." in drawn
    assert drawn.count("<h2") == page.read_text(encoding="utf-8").count("<h2")
    assert "pepper rotate" in drawn


def test_the_page_s_own_policy_keeps_it_from_asking_anybody(show, page, tmp_path):
    asked = "http://127.0.0.1:9/x"
    planted = page.read_text(encoding="utf-8").replace("</main>", f'<img alt="" src="{asked}"></main>')
    free = planted.replace('http-equiv="Content-Security-Policy"', "")
    for text, expected in ((planted, False), (free, True)):
        page.write_text(text, encoding="utf-8")
        show(page, "--dump-dom")
        assert (asked in (tmp_path / "net.json").read_text(encoding="utf-8", errors="replace")) is expected


def test_the_page_can_be_printed(show, page, tmp_path):
    show(page, "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'report.pdf'}")
    printed = (tmp_path / "report.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 8
