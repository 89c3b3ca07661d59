"""Bounces and complaints: the RFCs' own examples, a mail server's, damaged ones, and whatever Hypothesis thinks of."""

from __future__ import annotations

import base64
import mailbox
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_channel_email.messages import MAX_READ
from imp_channel_email.report import read_report
from imp_core.channel import ChannelContext, Source
from imp_core.clock import parse_time
from imp_core.errors import BadInput
from imp_core.event import RowFault, Signal, SignalKind

REPORTS = Path(__file__).with_name("reports")
NOW_US = parse_time("2026-03-01T12:00:00Z")


@pytest.fixture
def ingest(channel):
    """`ingest(path)`: all that comes in, identifiers spelled out."""

    def ingest(path, now_us=NOW_US):
        context = ChannelContext(settings={}, now_us=now_us)
        return [shown(item) for item in channel.ingest(context, Source(path=path))]

    return ingest


def shown(item):
    if isinstance(item, RowFault):
        return item
    assert isinstance(item, Signal)
    assert (item.channel, item.identifier.kind, item.purpose) == ("email", "email", None)
    return item.row, item.kind.value, item.identifier.value, item.event_us


def at(text):
    return parse_time(text)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rfc3464-e1-failed-for-now", []),
        (
            "rfc3464-e2-several",
            [
                (1, "bounce", "arathib@vnet.ibm.com", at("1994-07-08T13:21:47Z")),
                (1, "bounce", "wsnell@sdcc13.ucsd.edu", at("1994-07-08T13:21:47Z")),
            ],
        ),
        ("rfc3464-e3-gateway", [RowFault(row=1, field="recipient", problem="not a mail address")]),
        ("rfc3464-e4-delayed", []),
        ("postfix", [(1, "bounce", "ann@customer.example", at("2026-03-01T11:00:01Z"))]),
        (
            "rfc6533-international",
            [
                (1, "bounce", "用户@xn--fsqu00a.example", at("2026-03-01T11:00:02Z")),
                (1, "bounce", "用户2@xn--fsqu00a.example", at("2026-03-01T11:00:02Z")),
            ],
        ),
        ("rfc5965-complaint", [(1, "complaint", "user@example.com", at("2005-03-08T18:00:00Z"))]),
    ],
)
def test_reports_as_they_are_written(ingest, name, expected):
    assert ingest(REPORTS / f"{name}.eml") == expected


@pytest.mark.parametrize("end", ["LF", "CRLF"])
def test_an_mbox_a_maildir_and_a_folder_say_the_same(ingest, tmp_path, end):
    def encode(data):
        return data if end == "LF" else data.replace(b"\n", b"\r\n")

    paths = sorted(REPORTS.glob("*.eml"))
    box = mailbox.mbox(tmp_path / "box", create=True)
    maildir = mailbox.Maildir(tmp_path / "maildir", create=True)
    (tmp_path / "folder").mkdir()
    for number, path in enumerate(paths):
        box.add(path.read_bytes())
        maildir.add(path.read_bytes())
        (tmp_path / "folder" / f"{number}.eml").write_bytes(encode(path.read_bytes()))
    box.close()
    expected = ingest(tmp_path / "folder")
    assert len(expected) == 7
    assert [item[0] if isinstance(item, tuple) else item.row for item in expected] == [1, 3, 3, 4, 6, 7, 7]
    assert ingest(tmp_path / "box") == expected
    assert sorted(item[1:] for item in ingest(tmp_path / "maildir") if isinstance(item, tuple)) == sorted(
        item[1:] for item in expected if isinstance(item, tuple)
    )
    box_data = (tmp_path / "box").read_bytes()
    (tmp_path / "box").write_bytes(encode(box_data))
    assert ingest(tmp_path / "box") == expected


def test_lines_that_begin_with_from_do_not_end_a_message(ingest, tmp_path):
    report = (REPORTS / "postfix.eml").read_text().replace("This is the mail", "x\nFrom here\n\n>From there\n\nis")
    (tmp_path / "box").write_text(f"From x\n{report}")
    assert [item[2] for item in ingest(tmp_path / "box")] == ["ann@customer.example"]


def test_what_is_no_report_is_passed_over(ingest, tmp_path):
    path = tmp_path / "a.eml"
    path.write_text("From: ann@example.com\nSubject: Out of office\n\nAction: failed\nStatus: 5.1.1\n")
    assert ingest(path) == []


@pytest.mark.parametrize(
    ("change", "event_us"),
    [
        (("Arrival-Date", "X-Date"), at("2026-03-01T11:00:02Z")),
        (("Action", "Last-Attempt-Date: Sun, 1 Mar 2026 10:00:00 +0800\nAction"), at("2026-03-01T02:00:00Z")),
        (("Mar 2026", "Mar 2036"), NOW_US),
        (("Mar 2026", "Mar 1926"), NOW_US),
        (("Sun,  1 Mar 2026", "yesterday"), NOW_US),
        (("+0000 (UTC)", "-0000"), at("2026-03-01T11:00:01Z")),
    ],
)
def test_the_time_is_the_attempts_and_never_to_come(ingest, tmp_path, change, event_us):
    (tmp_path / "a.eml").write_text((REPORTS / "postfix.eml").read_text().replace(*change))
    assert [item[3] for item in ingest(tmp_path / "a.eml")] == [event_us]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Action: failed", "Action: delivered", []),
        ("Action: failed", "Action: FAILED (for good)", ["ann@customer.example"]),
        ("Status: 5.1.1", "Status: 4.4.7", []),
        ("Status: 5.1.1", "Status: 5", []),
        ("Original-Recipient: rfc822;ann@customer.example\n", "", ["ann@forwarded.example"]),
        ("Original-Recipient: rfc822;ann", "Original-Recipient: rfc822 (of old); ann", ["ann@customer.example"]),
        ("(UTC)\n\nFinal", "(UTC)\nFinal", ["ann@customer.example"]),
        ("message/delivery-status", "text/plain", [RowFault]),
        ("Action: failed", "Act: failed", [RowFault]),
        ("@customer.example\nAction", "@\nAction", ["ann@forwarded.example"]),
    ],
)
def test_what_counts_as_a_bounce(ingest, tmp_path, old, new, expected):
    text = (REPORTS / "postfix.eml").read_text()
    assert old in text
    (tmp_path / "a.eml").write_text(text.replace(old, new))
    found = [type(item) if isinstance(item, RowFault) else item[2] for item in ingest(tmp_path / "a.eml")]
    assert found == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Feedback-Type: abuse", "Feedback-Type: not-spam", []),
        ("Feedback-Type: abuse", "Feedback-Type: auth-failure", []),
        ("Feedback-Type: abuse", "Feedback-Type: Opt-Out", ["user@example.com"]),
        ("Feedback-Type: abuse\n", "", [RowFault]),
        ("Original-Rcpt-To: <user@example.com>\n", "", [RowFault]),
        ("Original-Rcpt-To: <user@example.com>", "Original-Rcpt-To: redacted", [RowFault]),
        ("Arrival", "Original-Rcpt-To: b@example.com\nArrival", ["user@example.com", "b@example.com"]),
    ],
)
def test_what_counts_as_a_complaint(ingest, tmp_path, old, new, expected):
    text = (REPORTS / "rfc5965-complaint.eml").read_text()
    assert old in text
    (tmp_path / "a.eml").write_text(text.replace(old, new, 1))
    found = [type(item) if isinstance(item, RowFault) else item[2] for item in ingest(tmp_path / "a.eml")]
    assert found == expected


def test_a_status_in_base64_is_read(ingest, tmp_path):
    head, start, rest = (REPORTS / "rfc6533-international.eml").read_text().partition("Reporting-MTA")
    body, _, _ = (start + rest).partition("\n--b1--")
    packed = base64.encodebytes(body.encode()).decode()
    head = head.replace("message/global-delivery-status\nContent-Transfer-Encoding: 8bit", "{}")
    head = head.format("message/global-delivery-status\nContent-Transfer-Encoding: base64")
    (tmp_path / "a.eml").write_text(f"{head}{packed}\n--b1--\n")
    assert [item[2] for item in ingest(tmp_path / "a.eml")] == [
        "用户@xn--fsqu00a.example",
        "用户2@xn--fsqu00a.example",
    ]


@pytest.mark.parametrize("make", ["missing", "empty file", "empty folder", "unreadable"])
def test_a_source_that_holds_nothing_is_refused(ingest, tmp_path, make):
    path = tmp_path / "source"
    if make == "empty file":
        path.write_bytes(b"\n")
    elif make == "empty folder":
        path.mkdir()
    elif make == "unreadable":
        path.symlink_to(path)
    with pytest.raises(BadInput):
        ingest(path)


def test_a_message_of_any_length_takes_bounded_memory(ingest, tmp_path):
    report = (REPORTS / "postfix.eml").read_bytes()
    film = b"y" * 999 + b"\n"
    head, end, tail = report.partition(b"\n--5F0B3600D8.1772362802/mail.shop.example--")
    long = head + b"\n" + film * (40 * MAX_READ // 1000) + end + tail
    (tmp_path / "box").write_bytes(b"\n".join((b"From x", long, b"From x", film * 9_000, b"From x", report)))
    tracemalloc.start()
    try:
        found = ingest(tmp_path / "box")
        assert tracemalloc.get_traced_memory()[1] < 12 * MAX_READ
    finally:
        tracemalloc.stop()
    assert [item[:3] for item in found] == [(row, "bounce", "ann@customer.example") for row in (1, 3)]
    (tmp_path / "long.eml").write_bytes(long)
    assert [item[:3] for item in ingest(tmp_path / "long.eml")] == [(1, "bounce", "ann@customer.example")]


def test_a_message_of_a_thousand_layers_is_a_fault_at_most():
    layers = "".join(f"Content-Type: multipart/report; boundary=b{n}\n\n--b{n}\n" for n in range(3_000))
    assert all(isinstance(item, RowFault) for item in read_report(layers.encode(), row=1, now_us=NOW_US))


SEEDS = [path.read_bytes() for path in sorted(REPORTS.glob("*.eml"))]
PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"\n", b"\r\n", b"\n\n", b"--b1", b"boundary=", b'"', b"(", b";", b"\xff", b"\0", b"=?utf-8?b?!?=",
         b"Content-Type: message/delivery-status\n\n", b"Content-Type: multipart/report;", b"charset=nonsense",
         b"Content-Transfer-Encoding: base64\n", b"report-type*0*=utf-8''%ff", b"\\x{110000}", b"\\x{D800}",
         b"Final-Recipient: rfc822;", b"Status: 5.1.1\n", b"Action: failed\n",
         b"Date: Sun, 99 Zzz 0000 99:99:99 +9999\n"]
    ),
)  # fmt: skip


@st.composite
def damaged(draw):
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 60)))
        data = data[:start] + draw(PIECES) + data[end:]
    return data


@given(data=st.one_of(damaged(), st.binary(max_size=300)))
def test_malformed_reports_give_signals_and_faults_and_nothing_else(data):
    for item in read_report(data, row=7, now_us=NOW_US):
        assert item.row == 7
        if isinstance(item, RowFault):
            # Our words only: not one of the message's.
            assert item.field in {"message", "recipient", "delivery-status", "feedback-report", "Original-Rcpt-To"}
            assert "@" not in item.problem
        else:
            assert type(item) is Signal
            assert item.kind in {SignalKind.BOUNCE, SignalKind.COMPLAINT}
            assert 0 <= item.event_us <= NOW_US
            assert "@" in item.identifier.value
            item.identifier.value.encode()
