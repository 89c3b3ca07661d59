"""A send that dies at any moment: nobody twice, nobody denied, and whoever is in doubt is listed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imp_consent.plane.send.journal import Journal, read_journal
from imp_core.channel import DeliveryStatus, RowStatus
from imp_core.errors import ImpError

KEYS = [bytes([number]) * 16 for number in range(3)]


def start(shop, audience):
    """`imp send --execute` under way, in a process of its own."""
    imp = Path(sys.executable).with_name("imp")
    words = [imp, "send", "post", "--audience", audience, "--campaign", "spring", "--execute", "--json"]
    return subprocess.Popen(
        words, env=shop.imp.environ, cwd=shop.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(path, *, seconds=30):
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} never came"
        time.sleep(0.01)


def test_killed_again_and_again_nobody_is_reached_twice_and_everybody_is_counted(real_shop):
    shop, people = real_shop, 300
    shop.everybody(people)
    shop.consent(*((f"email:p{i}@example.com", "marketing.email", "withdrawn") for i in range(0, people, 10)))
    shop.settings(mode="slow")
    audience, chance, kills = shop.people(people), random.Random(7), 0
    for _ in range(4):
        before = len(shop.received())
        process = start(shop, audience)
        while process.poll() is None and len(shop.received()) < before + chance.randrange(3, 60):
            time.sleep(0.002)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.communicate()
    (shop.folder / "sending" / "999999").touch()  # of an intent that was never committed
    assert kills >= 2
    result = shop.send(audience, "--execute").json
    addresses = shop.addresses()
    assert len(addresses) == len(set(addresses))
    assert not {f"p{i}@example.com" for i in range(0, people, 10)} & set(addresses)
    doubtful = set(result["in_doubt_rows"])
    assert len(doubtful) <= kills
    sent = result["before"].get("accepted", 0) + result["sent"].get("accepted", 0)
    assert sent + len(doubtful) + result["refused"]["withdrawn"] == people == result["audience"]
    rows = {f"p{row - 1}@example.com" for row in doubtful}
    assert sent <= len(set(addresses)) <= len(set(addresses) | rows) == people - result["refused"]["withdrawn"]
    shop.imp("audit", "verify").ok()
    assert not any((shop.folder / "sending").iterdir())


def test_whom_the_peer_has_taken_unheard_is_in_doubt_and_not_sent_to_again(real_shop):
    shop = real_shop
    shop.everybody(10)
    shop.settings(mode="die")
    assert shop.send(shop.people(10), "--execute").code == -signal.SIGKILL
    assert len(shop.addresses()) == 3
    shop.settings()
    answer = shop.send(shop.people(10), "--execute")
    result = answer.json
    assert answer.code == 1, "it found somebody in doubt"
    assert shop.send(shop.people(10), "--execute").ok().json["in_doubt_rows"] == result["in_doubt_rows"]
    assert (len(result["in_doubt_rows"]), result["before"], result["sent"]) == (
        1,
        {"accepted": 2, "in_doubt": 1},
        {"accepted": 7},
    )
    assert len(set(shop.addresses())) == len(shop.addresses()) == 10


def test_a_channel_that_needs_no_addresses_reaches_nobody_twice_either(real_shop, post_site):
    shop = real_shop
    manifest = post_site / "stranger_post" / "imp-plugin.toml"
    manifest.write_text(manifest.read_text().replace("resolve", "none"))
    shop.imp("plugin", "enable", "post").ok()
    shop.everybody(10)
    shop.settings(mode="handles-die")
    assert shop.send(shop.people(10), "--execute").code == -signal.SIGKILL
    shop.settings(mode="handles")
    result = shop.send(shop.people(10), "--execute").json
    assert result["before"] == {"accepted": 2, "in_doubt": 8}, "core cannot know whom it had not reached"
    assert len(shop.addresses()) == 3
    again = shop.send(shop.people(10), "--execute", "--resend-in-doubt").ok().json
    assert again["sent"] == {"accepted": 8}


def test_the_doctor_names_a_send_that_died(real_shop):
    shop = real_shop
    shop.everybody(10)
    shop.settings(mode="signal")
    process = start(shop, shop.people(10))
    wait_for(Path(f"{shop.inbox}.started"))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    doctor = shop.imp("doctor")
    assert (doctor.code, "left by a send that died" in doctor.out) == (1, True)
    Path(f"{shop.inbox}.go").touch()
    result = shop.send(shop.people(10), "--execute").ok().json
    assert (result["recovered"], result["sent"], result["in_doubt_rows"]) == (1, {"accepted": 10}, [])
    shop.imp("doctor").ok()


def test_a_withdrawal_between_two_chunks_is_honoured(real_shop):
    shop = real_shop
    shop.everybody(100)
    shop.settings(mode="signal")
    process = start(shop, shop.people(100))
    wait_for(Path(f"{shop.inbox}.started"))
    shop.consent(*((f"email:p{i}@example.com", "marketing.email", "withdrawn") for i in range(100)))
    Path(f"{shop.inbox}.go").touch()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert '"withdrawn": 50' in out
    assert len(shop.addresses()) == 50


def test_two_sends_of_one_campaign_at_once_reach_nobody_twice(real_shop):
    shop = real_shop
    shop.everybody(200)
    shop.settings(mode="slow")
    audience = shop.people(200)
    both = [start(shop, audience), start(shop, audience)]
    for process in both:
        process.communicate(timeout=120)
    assert len(set(shop.addresses())) == len(shop.addresses()) == 200
    shop.imp("audit", "verify").ok()


def test_a_chunk_of_somebody_else_s_that_is_under_way_is_left_alone(real_shop):
    shop = real_shop
    shop.everybody(10)
    shop.settings(mode="signal")
    audience = shop.people(10)
    process = start(shop, audience)
    wait_for(Path(f"{shop.inbox}.started"))
    assert shop.send(audience, "--execute").ok().json["refused"] == {"in_flight": 10}
    Path(f"{shop.inbox}.go").touch()
    process.communicate(timeout=60)
    assert (process.returncode, len(shop.addresses())) == (0, 10)


def test_what_a_process_left_that_died_before_its_commit_stands_in_nobody_s_way(tmp_path):
    path = tmp_path / "sending" / "7"
    Journal(path).let_go()
    made = Journal(path)
    made.attempted(KEYS[0].hex())
    with pytest.raises(ImpError, match=r"held by somebody else|cannot be written"):
        Journal(path)
    made.let_go()
    assert outcomes(path) == ["in_doubt", "deferred", "deferred"]


def test_what_cannot_be_noted_whole_is_not_done(tmp_path, monkeypatch):
    made = Journal(tmp_path / "sending" / "7")
    monkeypatch.setattr("os.write", lambda _, data: len(data) - 1)
    with pytest.raises(ImpError, match="No space left"):
        made.attempted(KEYS[0].hex())
    monkeypatch.undo()
    made.let_go()


def status(key, status=DeliveryStatus.ACCEPTED, code=None):
    return RowStatus(key=key.hex(), status=status, code=code)


@pytest.fixture
def journal(tmp_path):
    made = Journal(tmp_path / "sending" / "7")
    made.attempted(KEYS[0].hex())
    made.settled(status(KEYS[0], code="2.0.0"))
    made.attempted(KEYS[1].hex())
    made.let_go()
    return tmp_path / "sending" / "7"


def outcomes(path):
    remembered = read_journal(path)
    return [remembered.outcome(key).status for key in KEYS]


def test_a_journal_tells_settled_doubtful_and_untouched_apart(journal):
    assert outcomes(journal) == ["accepted", "in_doubt", "deferred"]
    assert read_journal(journal).outcome(KEYS[0]).code == "2.0.0"
    assert journal.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda data: data.replace(b"imp-journal/1 ", b"imp-journal/1 another-boot-"), id="another boot"),
        pytest.param(lambda data: data + b"\x00\x00\x00\n", id="damaged line"),
        pytest.param(lambda data: data + b"s zz accepted -\n", id="no key"),
    ],
)
def test_a_journal_of_another_boot_or_damaged_leaves_everybody_else_in_doubt(journal, harm):
    journal.write_bytes(harm(journal.read_bytes()))
    assert outcomes(journal) == ["accepted", "in_doubt", "in_doubt"]


def test_without_a_journal_everybody_is_in_doubt(tmp_path):
    assert outcomes(tmp_path / "gone") == ["in_doubt"] * 3


def test_a_last_line_that_was_not_written_whole_says_nothing(journal):
    journal.write_bytes(journal.read_bytes() + b"a " + KEYS[2].hex().encode())
    assert outcomes(journal) == ["accepted", "in_doubt", "deferred"]
