"""`check` meets the server and says what is wrong; a second client proves the server the other tests rely on."""

from __future__ import annotations

import subprocess

import pytest

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]
LOGIN = {"username": "shop", "password": "pässword"}


@pytest.mark.parametrize(("security", "words"), [("starttls", "TLSv1.3"), ("tls", "TLSv1.3"), ("none", "in the clear")])
def test_a_server_in_order(channel, context_of, open_sink, settings_for, security, words):
    sink = open_sink(security)
    result = channel.check(context_of(settings_for(sink), **LOGIN))
    assert result.ok, result.detail
    assert result.detail == f"127.0.0.1:{sink.port} answers, {words}, logged in, messages are not signed"
    assert not sink.arrived
    assert not sink.commands


@pytest.mark.parametrize(
    ("security", "changes", "words"),
    [
        ("starttls", {"security": "tls"}, "tls-failed: TLS could not be agreed on"),
        ("none", {"security": "starttls"}, "starttls-missing"),
        ("starttls", {"ca_file": None}, "tls-certificate: the server's certificate is not trusted"),
        ("tls", {"security": "starttls", "timeout": 0.3}, "timeout"),
        ("starttls", {"sender": None}, "sender is missing"),
        ("starttls", {"port": 1}, "connection-refused: nothing answers there"),
    ],
)
def test_what_is_wrong_and_how_to_mend_it(channel, context_of, open_sink, settings_for, security, changes, words):
    result = channel.check(context_of(settings_for(open_sink(security), **changes), **LOGIN))
    assert not result.ok
    assert words in result.detail


def test_wrong_credentials_are_named_by_their_variables(channel, context_of, open_sink, settings_for):
    secrets = {**LOGIN, "password": "secret words"}
    result = channel.check(context_of(settings_for(open_sink()), **secrets))
    assert not result.ok
    assert "5.7.8: set IMP_EMAIL_USERNAME and IMP_EMAIL_PASSWORD" in result.detail
    assert "secret" not in result.detail


def test_a_server_that_offers_no_login_we_know_is_named(channel, context_of, open_sink, settings_for):
    sink = open_sink(auth_exclude_mechanism=["PLAIN", "LOGIN"])
    assert "auth-missing" in channel.check(context_of(settings_for(sink), **LOGIN)).detail


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_server_takes_a_mail_from_swaks_as_it_takes_ours(
    swaks, open_sink, settings_for, batch_of, deliver, accepted, authority, dkim_key, tmp_path, security
):
    sink = open_sink(security)
    table = settings_for(sink, dkim_domain="shop.example", dkim_selector="s1")
    assert deliver(table, batch_of("ann@example.com"), **LOGIN, dkim_key=dkim_key.path) == [accepted]
    (ours,) = sink.arrived
    # It ends lines and marks leading dots by itself, as every client must.
    (tmp_path / "message").write_bytes(ours.data.replace(b"\r\n", b"\n"))
    command = [
        swaks, "--server", "127.0.0.1", "--port", str(sink.port), "--helo", "shop.example",
        {"starttls": "--tls", "tls": "--tls-on-connect"}[security], "--tls-verify", "--tls-ca-path", authority.ca_file,
        "--auth", "PLAIN", "--auth-user", "shop", "--auth-password", "pässword",
        "--from", "news@shop.example", "--to", "ann@example.com", "--data", f"@{tmp_path / 'message'}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    _, theirs = sink.arrived
    assert (theirs.sender, theirs.recipients, theirs.user) == (ours.sender, ours.recipients, ours.user)
    assert theirs.data.rstrip(b"\r\n") == ours.data.rstrip(b"\r\n")
