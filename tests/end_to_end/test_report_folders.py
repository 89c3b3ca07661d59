"""Bounces as they are saved: a folder of messages, a Maildir, an mbox; taken once each, however often they are read."""

from __future__ import annotations

import hashlib
import mailbox
from pathlib import Path

import pytest

MAIL = "marketing.email"
BOUNCE = """From: MAILER-DAEMON@mx.example
{date}MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="part"

--part
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {who}@example.com
Action: failed
Status: 5.1.1

--part--
"""
MARCH = "Date: Sun, 1 Mar 2026 09:00:00 +0000\n"


def bounce(who: str, date: str = MARCH) -> bytes:
    return BOUNCE.format(who=who, date=date).encode()


def shop(imp) -> None:
    imp("init", "--controller", "Shop").ok()
    imp("plugin", "enable", "email").ok()
    with (imp.workspace / "imp.toml").open("a", encoding="utf-8") as file:
        file.write('\n[channels.email]\nhost = "127.0.0.1"\n')  # which is not connected to


@pytest.fixture
def line(imp_here):
    """The command line in a workspace in which three people permit what they are about to lose."""
    shop(imp_here)
    for who in ("ann", "bob", "cleo"):
        words = ("consent", "record", f"email:{who}@example.com", "--purpose", MAIL, "--state", "given")
        imp_here(*words, "--at", "2026-02-01T00:00:00Z").ok()
    return imp_here


@pytest.fixture
def counts(line):
    """What an intake says: signals written, signals that were known before."""

    def ingest(path: Path, *options: str) -> tuple[int, int]:
        found = line("ingest", "email", str(path), "--json", *options).ok().json
        assert not found["already"]
        return found["signals"], found["signals_before"]

    return ingest


def bounces(line, who: str) -> int:
    found = line("consent", "history", f"email:{who}@example.com", "--json").ok().json
    return sum(entry["type"] == "signal" for entry in found["entries"])


def eml(folder: Path, *people: str) -> Path:
    folder.mkdir(exist_ok=True)
    for who in people:
        (folder / f"{who}.eml").write_bytes(bounce(who))
    return folder


def maildir(folder: Path, *people: str) -> Path:
    box = mailbox.Maildir(folder)
    for who in people:
        box.add(bounce(who))
    return folder


def mbox(file: Path, *people: str) -> Path:
    box = mailbox.mbox(file)
    for who in people:
        box.add(bounce(who))
    box.close()
    return file


@pytest.mark.parametrize("make", [eml, maildir, mbox])
def test_each_form_is_taken_once_and_of_a_grown_one_only_what_is_new(line, counts, tmp_path, make):
    place = make(tmp_path / "bounces", "ann", "bob")
    assert counts(place) == (2, 0)
    again = line("ingest", "email", str(place)).ok()
    assert again.out.startswith("taken before, as batch 1")
    make(place, "cleo")
    assert counts(place, "--dry-run") == (1, 2)
    assert counts(place) == (1, 2)
    assert [bounces(line, who) for who in ("ann", "bob", "cleo")] == [1, 1, 1]
    line("audit", "verify").ok()


def test_the_text_says_what_was_known_before(line, tmp_path):
    folder = eml(tmp_path / "bounces", "ann")
    line("ingest", "email", str(folder)).ok()
    answer = line("ingest", "email", str(eml(folder, "bob"))).ok()
    assert [text.split() for text in answer.out.splitlines()][2:4] == [
        ["signals", "1"],
        ["signals", "that", "change", "nothing", "1"],
    ]


def test_a_message_that_moved_in_its_maildir_says_nothing_anew(line, counts, tmp_path):
    place = maildir(tmp_path / "box", "ann")
    assert counts(place) == (1, 0)
    (message,) = (place / "new").iterdir()
    message.rename(place / "cur" / f"{message.name}:2,S")
    assert counts(place) == (0, 1)


def test_a_bounce_without_a_date_is_one_signal_too(line, clock, counts, tmp_path):
    folder = tmp_path / "bounces"
    folder.mkdir()
    (folder / "a.eml").write_bytes(bounce("ann", date=""))
    assert counts(folder) == (1, 0)
    clock.move_to(clock.now_us() + 60_000_000)
    (folder / "a.eml").rename(folder / "b.eml")
    assert counts(folder) == (0, 1)
    assert bounces(line, "ann") == 1


def test_a_bounce_read_again_does_not_undo_a_later_informed_consent_and_a_new_one_does(line, clock, counts, tmp_path):
    folder = eml(tmp_path / "bounces", "ann")
    counts(folder)
    ask = ("consent", "check", "email:ann@example.com", "--purpose", MAIL, "--channel", "email")
    assert line(*ask).code == 1
    words = ("consent", "record", "email:ann@example.com", "--purpose", MAIL, "--state", "given", "--channel", "email")
    line(*words, "--at", "2026-03-01T10:00:00Z").ok()
    assert line(*ask).code == 1, "the address is as dead as it was"
    line(*words, "--at", "2026-03-01T10:00:01Z", "--informed").ok()
    eml(folder, "bob")
    assert counts(folder) == (1, 1)
    line(*ask).ok()
    (folder / "later.eml").write_bytes(bounce("ann", "Date: Sun, 1 Mar 2026 11:00:00 +0000\n"))
    assert counts(folder) == (1, 2)
    assert line(*ask).code == 1


def test_a_folder_is_known_by_its_files_names_and_bytes_and_by_nothing_outside(line, tmp_path):
    folder = eml(tmp_path / "bounces", "ann")
    (folder / "sub").mkdir()
    (folder / "sub" / ".hidden").write_bytes(b"hidden")
    outside = eml(tmp_path / "outside", "bob")
    (folder / "link.eml").symlink_to(outside / "bob.eml")
    (folder / "linked").symlink_to(outside)
    found = line("ingest", "email", str(folder), "--json").ok().json
    listed = [(".hidden", b"hidden", "sub/.hidden"), ("ann.eml", bounce("ann"), "ann.eml")]
    lines = sorted((name, hashlib.sha256(data).hexdigest()) for _, data, name in listed)
    expected = hashlib.sha256("".join(f"{digest}  {name}\0" for name, digest in lines).encode()).hexdigest()
    assert (found["source_sha256"], found["signals"]) == (expected, 1), "Bob's is outside"


def test_a_folder_without_a_message_and_one_of_a_channel_that_reads_files_are_wrong_input(line, tmp_path):
    (tmp_path / "empty").mkdir()
    empty = line("ingest", "email", str(tmp_path / "empty"))
    assert (empty.code, "there is no message" in empty.err) == (2, True)
    line("plugin", "enable", "file").ok()
    refused = line("ingest", "file", str(eml(tmp_path / "bounces", "ann")))
    assert (refused.code, "not a regular file" in refused.err, "bounces" in refused.err) == (2, True, True)


@pytest.mark.parametrize(
    ("error", "words"),
    [(FileNotFoundError(2, "gone"), "went away"), (PermissionError(13, "Permission denied"), "read")],
)
def test_a_file_that_goes_away_or_cannot_be_read_is_named(line, tmp_path, monkeypatch, error, words):
    folder = eml(tmp_path / "bounces", "ann", "bob")
    opened = Path.open

    def open_(path, *arguments, **options):
        if path.name == "bob.eml":
            raise error
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", open_)
    refused = line("ingest", "email", str(folder))
    assert (refused.code, words in refused.err, "bob.eml" in refused.err) == (2, True, True)
    assert bounces(line, "ann") == 0


def test_a_name_that_is_no_text_can_be_hashed_and_shown(line, counts, tmp_path):
    folder = eml(tmp_path / "bounces", "ann")
    name = b"\xff\xfe.eml".decode("utf-8", "surrogateescape")
    (folder / name).write_bytes(bounce("bob"))
    assert counts(folder) == (2, 0)


def test_the_installed_command_takes_a_folder(imp, tmp_path):
    shop(imp)
    imp("consent", "record", "email:ann@example.com", "--purpose", MAIL, "--state", "given").ok()
    folder = eml(tmp_path / "bounces", "ann")
    assert imp("ingest", "email", str(folder), "--json").ok().json["signals"] == 1
    assert "taken before" in imp("ingest", "email", str(folder)).ok().out
