"""Sending to a real server: what arrives, and what each of its answers means for a row."""

from __future__ import annotations

import logging
import smtplib
import socket
import traceback

import pytest

from imp_core.channel import AuthInvalid, ChannelError, DeliveryStatus, RateLimited, Retryable
from imp_core.errors import PluginBroken
from imp_core.outbound.handout import Handout
from imp_core.outbound.runner import ChannelRunner

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]
PERSON = "annabella@example.com"
LOGIN = {"username": "shop", "password": "pässword"}


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_message_arrives(open_sink, settings_for, batch_of, deliver, accepted, security, mechanism):
    sink = open_sink(security, auth_exclude_mechanism=[{"PLAIN": "LOGIN", "LOGIN": "PLAIN"}[mechanism]])
    assert deliver(settings_for(sink), batch_of("ann@example.com"), **LOGIN) == [accepted]
    (arrived,) = sink.arrived
    assert (arrived.sender, arrived.recipients) == ("news@shop.example", ("ann@example.com",))
    assert arrived.user == mechanism
    assert arrived.message["To"] == "ann@example.com"


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        ("550 5.1.1 <bob@example.com> is nobody here", DeliveryStatus.REFUSED, "5.1.1"),
        ("550 bob@example.com is nobody here", DeliveryStatus.REFUSED, "550"),
        ("550 4.1.1 of another class", DeliveryStatus.REFUSED, "550"),
        ("550 5.1.12345 of no class", DeliveryStatus.REFUSED, "550"),
        ("451 4.3.0 later", DeliveryStatus.DEFERRED, "4.3.0"),
        ("452 full", DeliveryStatus.DEFERRED, "452"),
        ("at end: 554 5.6.0 not this", DeliveryStatus.REFUSED, "5.6.0"),
        ("at end: 452 4.2.2 full", DeliveryStatus.DEFERRED, "4.2.2"),
        ("354 what?", DeliveryStatus.DEFERRED, "354"),
        ("drop", DeliveryStatus.DEFERRED, "connection-lost"),
        ("drop after data", DeliveryStatus.IN_DOUBT, "connection-lost"),
    ],
)
def test_what_the_server_does_with_one_row_costs_that_row_alone(
    open_sink, settings_for, batch_of, deliver, accepted, answer, status, code
):
    sink = open_sink()
    sink.answers["bob"] = answer
    done = deliver(settings_for(sink), batch_of("ann@example.com", "bob@example.com", "cid@example.com"))
    assert done == [accepted, (status, code), accepted]
    assert [item.recipients for item in sink.arrived] == [("ann@example.com",), ("cid@example.com",)]


def test_a_connection_lost_before_the_end_is_opened_again(open_sink, settings_for, batch_of, deliver, accepted):
    sink = open_sink()
    sink.answers["ann"] = ["drop"]
    assert deliver(settings_for(sink), batch_of("ann@example.com")) == [accepted]
    assert (sink.connections, len(sink.arrived)) == (2, 1)
    assert deliver.handout.refusals == 0


def test_a_message_in_doubt_is_not_sent_again(open_sink, settings_for, batch_of, deliver):
    sink = open_sink()
    sink.answers["ann"] = ["drop after data"]
    assert deliver(settings_for(sink), batch_of("ann@example.com")) == [(DeliveryStatus.IN_DOUBT, "connection-lost")]
    assert sink.commands == ["drop after data"]


def test_a_connection_lost_before_the_last_line_is_no_doubt(
    open_sink, settings_for, batch_of, deliver, accepted, monkeypatch
):
    sink = open_sink()
    send = smtplib.SMTP.send

    def half(smtp, data):
        if isinstance(data, str) or b"To: bob@" not in data:
            return send(smtp, data)
        send(smtp, data[:-20])
        smtp.close()
        raise smtplib.SMTPServerDisconnected("Server not connected")

    monkeypatch.setattr(smtplib.SMTP, "send", half)
    done = deliver(settings_for(sink), batch_of("ann@example.com", "bob@example.com", "cid@example.com"))
    assert done == [accepted, (DeliveryStatus.DEFERRED, "connection-lost"), accepted]
    assert [item.recipients for item in sink.arrived] == [("ann@example.com",), ("cid@example.com",)]
    assert sink.connections == 3  # tried twice


def test_a_server_that_leaves_within_a_message_is_never_believed_to_have_it(
    open_sink, settings_for, batch_of, deliver, accepted
):
    sink = open_sink()
    sink.answers["bob"] = "drop in data"
    done = deliver(settings_for(sink), batch_of("ann@example.com", "bob@example.com", "cid@example.com"))
    # In doubt where the last line was on its way before the client could see that nobody listened.
    assert done[1] in [(status, "connection-lost") for status in (DeliveryStatus.DEFERRED, DeliveryStatus.IN_DOUBT)]
    assert (done[0], done[2]) == (accepted, accepted)


def test_after_three_lost_connections_the_server_is_left_alone(open_sink, settings_for, batch_of, deliver):
    sink = open_sink()
    sink.answers = dict.fromkeys("abcde", "drop after data")
    with pytest.raises(Retryable, match="connection-lost"):
        deliver(settings_for(sink), batch_of(*(f"{name}@example.com" for name in "abcde")))
    assert {row.status for row in deliver.handout.statuses.values()} == {DeliveryStatus.IN_DOUBT}
    assert len(deliver.handout.statuses) == len(deliver.handout.attempted_keys) == 3


def test_a_row_is_asked_for_once_right_before_it_is_sent(open_sink, settings_for, batch_of, deliver, monkeypatch):
    sink = open_sink()
    sink.answers["bob"] = "421 4.7.0 slowly"
    with pytest.raises(RateLimited):
        deliver(settings_for(sink), batch_of("ann@example.com", "bob@example.com", "cid@example.com"))
    assert deliver.handout.attempted_keys == {f"{0:064x}", f"{1:064x}"}
    assert set(deliver.handout.statuses) == {f"{0:064x}"}


def test_many_connections_share_the_rows(open_sink, settings_for, batch_of, deliver, accepted):
    sink = open_sink()
    addresses = [f"p{number}@example.com" for number in range(40)]
    assert deliver(settings_for(sink, connections=4), batch_of(*addresses)) == [accepted] * 40
    assert sorted(item.recipients[0] for item in sink.arrived) == sorted(addresses)
    assert sink.connections == 4


def test_core_calls_it_behind_its_wall(open_sink, settings_for, batch_of, channel, context_of):
    sink = open_sink()
    batch, addresses = batch_of(*(f"p{number}@example.com" for number in range(20)))
    context = context_of(settings_for(sink, connections=4), **LOGIN)
    options = {"purpose": batch.purpose, "granted": True, "fresh": lambda: True}
    runner = ChannelRunner(channel, hosts=["127.0.0.1"])
    runner.call("deliver", Handout(context, batch.rows, addresses, **options), batch)
    runner.close()
    assert len({item.recipients for item in sink.arrived}) == 20
    held = ChannelRunner(channel, hosts=["smtp.shop.example"])
    with pytest.raises(PluginBroken, match="undeclared host"):
        held.call("deliver", Handout(context, batch.rows, addresses, **options), batch)
    held.close()
    assert len(sink.arrived) == 20


def test_too_many_stops_all_and_the_second_time_only_that_person_waits(
    open_sink, settings_for, batch_of, deliver, accepted
):
    sink = open_sink()
    sink.answers["bob"] = "421 4.7.28 bob gets too much"
    prepared = batch_of("bob@example.com", "ann@example.com")
    with pytest.raises(RateLimited, match=r"4\.7\.28"):
        deliver(settings_for(sink), prepared)
    assert not deliver.handout.statuses
    with pytest.raises(RateLimited):
        deliver(settings_for(sink), prepared)
    assert [row.status for row in deliver.handout.statuses.values()] == [DeliveryStatus.DEFERRED]
    del sink.answers["bob"]
    assert deliver(settings_for(sink), prepared) == [accepted, accepted]


def test_a_sender_the_server_does_not_know_stops_all(open_sink, settings_for, batch_of, deliver):
    sink = open_sink()
    sink.at_mail["news@shop.example"] = "553 5.7.1 news@shop.example is not yours"
    with pytest.raises(AuthInvalid, match=r"5\.7\.1") as caught:
        deliver(settings_for(sink), batch_of("ann@example.com"))
    assert "sender" in caught.value.mend
    assert not deliver.handout.statuses


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (None, AuthInvalid, "5.7.8"),
        ("454 4.7.0 later", Retryable, "4.7.0"),
        ("421 4.3.2 busy", RateLimited, "4.3.2"),
    ],
)
def test_credentials_that_are_not_accepted_send_nothing(open_sink, settings_for, batch_of, deliver, answer, kind, code):
    sink = open_sink()
    sink.answers["auth"] = answer
    with pytest.raises(ChannelError) as caught:
        deliver(settings_for(sink), batch_of("ann@example.com"), username="shop", password="wrong")  # noqa: S106 (made up)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert not deliver.handout.attempted_keys
    assert not sink.arrived


def test_a_server_that_asks_for_credentials_gets_no_message_without(open_sink, settings_for, batch_of, deliver):
    sink = open_sink(auth_required=True)
    with pytest.raises(AuthInvalid):
        deliver(settings_for(sink), batch_of("ann@example.com"))
    assert not sink.arrived


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_is_not_trusted_sends_nothing_and_no_password(
    open_sink, settings_for, batch_of, deliver, security
):
    sink = open_sink(security, stranger=True)
    with pytest.raises(AuthInvalid, match="tls-certificate"):
        deliver(settings_for(sink), batch_of("ann@example.com"), **LOGIN)
    assert not sink.arrived
    assert not deliver.handout.attempted_keys


def test_without_starttls_nothing_is_sent_in_the_clear(open_sink, settings_for, batch_of, deliver):
    sink = open_sink("none")
    with pytest.raises(AuthInvalid, match="starttls-missing"):
        deliver(settings_for(sink, security="starttls"), batch_of("ann@example.com"), **LOGIN)
    assert not sink.arrived


def test_a_server_that_is_not_there_takes_nothing(settings_for, batch_of, deliver, open_sink):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with pytest.raises(Retryable, match="connection-refused"):
        deliver(settings_for(open_sink(), port=port), batch_of("ann@example.com"))
    assert not deliver.handout.attempted_keys


def test_a_server_that_never_answers_costs_the_timeout(settings_for, batch_of, deliver, open_sink):
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Retryable, match="timeout"):
        deliver(settings_for(open_sink(), port=silent.getsockname()[1], timeout=0.2), batch_of("ann@example.com"))


@pytest.mark.parametrize(
    ("address", "arrives_as", "options"),
    [
        ("ann@bücher.example", "ann@xn--bcher-kva.example", ()),
        ("ann@例子.测试", "ann@xn--fsqu00a.xn--0zwm56d", ()),
        ("用户@example.com", "用户@example.com", ("SMTPUTF8",)),
        ("o'neil+tag@example.com", "o'neil+tag@example.com", ()),
    ],
)
def test_addresses_of_every_script(open_sink, settings_for, batch_of, deliver, accepted, address, arrives_as, options):
    sink = open_sink()
    assert deliver(settings_for(sink), batch_of(address)) == [accepted]
    (arrived,) = sink.arrived
    assert arrived.recipients == (arrives_as,)
    assert arrived.options == options
    assert arrived.message["To"] == arrives_as


def test_a_server_without_smtputf8_gets_no_such_address(open_sink, settings_for, batch_of, deliver, accepted):
    sink = open_sink(smtputf8=False)
    done = deliver(settings_for(sink), batch_of("用户@example.com", "ann@example.com"))
    assert done == [(DeliveryStatus.FAILED, "smtputf8-missing"), accepted]


@pytest.mark.parametrize(
    "address",
    ["", "ann", "@", "ann@", "@example.com", "a b@example.com", "ann@exa mple.com", "ann@example.com\r\nDATA",
     "ann>@example.com", "ann@[127.0.0.1]", '"a b"@example.com', "ann..b@example.com", "ann@-x.example",
     f"{'a' * 65}@example.com", f"ann@{'a.' * 130}com", "ann@exämple\n.com", "\udcff@example.com",
     "a\u2028b@example.com"],
)  # fmt: skip
def test_what_is_no_address_is_never_said_to_a_server(open_sink, settings_for, batch_of, deliver, accepted, address):
    sink = open_sink()
    done = deliver(settings_for(sink), batch_of(address, "ann@example.com"))
    assert done == [(DeliveryStatus.FAILED, "address"), accepted]
    assert len(sink.commands) == 1


def test_what_was_not_granted_is_not_sent(open_sink, settings_for, batch_of, deliver, accepted):
    sink = open_sink()
    batch, addresses = batch_of("ann@example.com", "bob@example.com")
    del addresses["h0"]
    assert deliver(settings_for(sink), (batch, addresses)) == [(DeliveryStatus.DEFERRED, "not-granted"), accepted]
    assert len(sink.arrived) == 1


@pytest.mark.parametrize(
    ("fields", "token", "code"),
    [
        ({}, "tok", "field-missing"),
        ({"first_name": "A" * 10_001}, "tok", "field-too-long"),
        ({"first_name": "Ann"}, "", "unsubscribe-missing"),
        ({"first_name": "Ann"}, "a>b", "unsubscribe-token"),
    ],
)
def test_a_row_that_does_not_fit_its_content_fails_alone(
    open_sink, settings_for, batch_of, deliver, fields, token, code
):
    sink = open_sink()
    done = deliver(settings_for(sink), batch_of("ann@example.com", fields=fields or {"other": "x"}, token=token))
    assert done == [(DeliveryStatus.FAILED, code)]
    assert not deliver.handout.attempted_keys


@pytest.mark.parametrize(
    "answer",
    ["550 5.1.1 <{}> is nobody", "421 {} too much", "530 5.7.0 {}", "drop", "drop after data", "at end: 554 {}",
     "at end: 421 {}"],
)  # fmt: skip
def test_no_address_comes_out_in_words(open_sink, settings_for, batch_of, deliver, caplog, capfd, answer):
    sink = open_sink()
    sink.answers["annabella"] = answer.format(PERSON)
    said, frames = [], []
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # the server's own log, not ours
        try:
            said += deliver(settings_for(sink, connections=3), batch_of(PERSON, PERSON, PERSON), **LOGIN)
        except ChannelError as error:
            frames += [frame.name for frame in traceback.extract_tb(error.__traceback__)]
            frames += ["context"] if error.__context__ else []
            said += ["".join(traceback.format_exception(error)), repr(error), str(error), error.mend]
    said += [caplog.text, *capfd.readouterr(), repr(deliver.handout.statuses)]
    assert len(sink.commands) > 0
    assert not {"_work", "_send", "context"} & set(frames)  # what is raised holds on to no message
    for word in (*PERSON.split("@"), LOGIN["password"]):
        assert word not in "\n".join(str(item) for item in said)
