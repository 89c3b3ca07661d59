"""Servers that say what none should: a script is played to the channel line by line."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace

import pytest

from imp_core.channel import AuthInvalid, ChannelError, DeliveryStatus, RateLimited, Retryable

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]
HELLO = ["220 sink", "250-sink\r\n250 SIZE"]
TO_THE_END = [*HELLO, "250 ok", "250 ok", "354 go on"]


@pytest.fixture
def script():
    """`script([reply, …])`: a server that gives one reply to whatever it hears, and then leaves; once, or `times`."""
    threads = []

    def serve(listening, replies, times):
        for _ in range(times):
            connection, _ = listening.accept()
            with connection, connection.makefile("rb") as heard:
                for reply in replies:
                    connection.sendall(reply if isinstance(reply, bytes) else f"{reply}\r\n".encode())
                    line = heard.readline()
                    while line and reply.startswith("354") and line != b".\r\n":
                        line = heard.readline()
        listening.close()

    def script(replies, times=1):
        listening = socket.create_server(("127.0.0.1", 0))
        listening.settimeout(5)
        thread = threading.Thread(target=serve, args=(listening, replies, times))
        thread.start()
        threads.append(thread)
        return SimpleNamespace(port=listening.getsockname()[1], security="none")

    yield script
    for thread in threads:
        thread.join(6)


@pytest.mark.parametrize(
    ("replies", "changes", "kind", "code"),
    [
        (["554 5.7.1 not you, 192.0.2.1"], {}, AuthInvalid, "5.7.1"),
        (["421 4.3.2 busy"], {}, RateLimited, "4.3.2"),
        (["450 later"], {}, Retryable, "450"),
        (["what?"], {}, Retryable, "no-reply-code"),
        (["220 sink", "502 no", "502 no"], {}, AuthInvalid, "502"),
        (["220 sink", "250-sink\r\n250 STARTTLS", "454 4.7.0 not now"], {"security": "starttls"}, Retryable, "4.7.0"),
        (["220 sink", "250-sink\r\n250 STARTTLS", "220 go", "x"], {"security": "starttls"}, Retryable, "tls-failed"),
        (["220 sink"], {}, Retryable, "connection-lost"),
        (["220 " + "x" * 9_000], {}, AuthInvalid, "500"),
    ],
)
def test_a_server_that_cannot_be_met(script, settings_for, batch_of, deliver, replies, changes, kind, code):
    with pytest.raises(ChannelError) as caught:
        deliver(settings_for(script(replies), **changes), batch_of("ann@example.com"))
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert not deliver.handout.attempted_keys


@pytest.mark.parametrize("answer", ["what?", "354 more?", "199 odd", "700 odd", "x" * 9_000])
def test_an_answer_to_a_message_that_is_none_leaves_it_in_doubt(script, settings_for, batch_of, deliver, answer):
    done = deliver(settings_for(script([*TO_THE_END, answer])), batch_of("ann@example.com"))
    assert done == [(DeliveryStatus.IN_DOUBT, "connection-lost")]


@pytest.mark.parametrize("at", [2, 3, 4])
def test_an_answer_to_a_command_that_is_none_takes_nothing(script, settings_for, batch_of, deliver, at):
    done = deliver(settings_for(script([*TO_THE_END[:at], "what?"])), batch_of("ann@example.com"))
    assert done == [(DeliveryStatus.DEFERRED, "no-reply-code")]


def test_a_check_hears_that_a_server_is_leaving(channel, context_of, script, settings_for):
    result = channel.check(context_of(settings_for(script([*HELLO, "421 4.3.2 leaving"]))))
    assert not result.ok
    assert "connection-lost" in result.detail
