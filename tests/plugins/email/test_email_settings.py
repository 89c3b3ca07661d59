"""What may stand in `[channels.email]` and in the environment, and what plugin and manifest say of themselves."""

from __future__ import annotations

import pytest

from imp_channel_email.setup import read_setup
from imp_core.channel import METHODS, Capability, Channel, DeliveryStatus, PeopleBatch, PersonRow
from imp_core.errors import BadInput
from imp_core.manifest import Addresses, read_manifest

TABLE = {"host": "smtp.shop.example", "sender": "Shop <news@shop.example>"}


@pytest.fixture
def setup_of(context_of):
    def setup_of(secrets=None, **changes):
        table = {key: value for key, value in {**TABLE, **changes}.items() if value is not None}
        return read_setup(context_of(table, **(secrets or {})))

    return setup_of


@pytest.mark.parametrize(("security", "port"), [(None, 587), ("starttls", 587), ("tls", 465)])
def test_two_settings_are_enough_and_tls_is_the_default(setup_of, security, port):
    setup = setup_of(security=security)
    assert (setup.settings.port, setup.settings.sender.path) == (port, "news@shop.example")
    assert setup.tls.check_hostname
    assert (setup.username, setup.signer) == (None, None)


def test_r39_no_mail_is_set_up_without_a_sender(setup_of):
    with pytest.raises(BadInput, match="sender"):
        setup_of(sender=None)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_in_the_clear_only_on_this_machine(setup_of, host):
    assert setup_of(host=host, security="none").tls is None
    for other in ("smtp.shop.example", "10.0.0.1", "localhost.example", "127.0.0.1.example"):
        with pytest.raises(BadInput, match="in the clear"):
            setup_of(host=other, security="none")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("host", None), ("host", ""), ("host", "smtp.shop.example:25"), ("host", "a b"), ("host", 5),
        ("port", 0), ("port", 65_536), ("port", "587"), ("port", True), ("port", 1.5),
        ("security", "ssl"), ("security", ""), ("security", True),
        ("sender", None), ("sender", "news"), ("sender", "Shop <news@shop.example>\nBcc: x@y.example"),
        ("sender", "Shop\x00 <news@shop.example>"), ("sender", "a@b.example, c@d.example"),
        ("sender", "用户@b.example"),
        ("sender", "Shop <a@b.example> <c@d.example>"), ("reply_to", "nobody"), ("bounces", "x@"),
        ("unsubscribe_url", "http://shop.example/u"), ("unsubscribe_url", "https://"),
        ("unsubscribe_url", "shop.example"),
        ("unsubscribe_url", "https://shop.example/u#x"), ("unsubscribe_url", "https://shop.example/ u"),
        ("unsubscribe_url", "https://shop.example/u>"), ("unsubscribe_url", "https://[x/u"),
        ("unsubscribe_url", "https://shöp.example/u"), ("unsubscribe_url", "https://shop.example/" + "u" * 500),
        ("unsubscribe_url", "https://shop.example:0/"), ("unsubscribe_mailto", "mailto:out@shop.example:"),
        ("imprint", ""), ("imprint", "x" * 2_001), ("imprint", "a\x07b"),
        ("dkim_domain", "shop.example"), ("dkim_selector", "s1"),
        ("connections", 0), ("connections", 9), ("connections", "4"), ("connections", True),
        ("timeout", 0), ("timeout", -1), ("timeout", 301), ("timeout", "30"), ("timeout", True),
        ("timeout", float("nan")),
        ("ca_file", "nowhere.pem"), ("ca_file", "x\0y"), ("sendr", "x"), ("tls", True),
    ],
)  # fmt: skip
def test_every_other_setting_is_refused_by_name(setup_of, setting, value):
    with pytest.raises(BadInput, match=setting) as caught:
        setup_of(**{setting: value})
    assert caught.value.where == "imp.toml [channels.email]"


def test_a_file_that_holds_no_certificate_is_refused(setup_of, tmp_path):
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(BadInput, match="no certificates"):
        setup_of(ca_file=str(tmp_path / "ca.pem"))


@pytest.mark.parametrize(
    ("secrets", "problem"),
    [
        ({"username": "shop"}, "only one"),
        ({"password": "secret words"}, "only one"),
        ({"username": "shop", "password": "secret\0words"}, "null character"),
        ({"dkim_key": "secret.pem"}, "without dkim_domain"),
    ],
)
def test_secrets_that_do_not_fit_are_refused_and_not_repeated(setup_of, secrets, problem):
    with pytest.raises(BadInput, match=problem) as caught:
        setup_of(secrets)
    assert "secret" not in str(caught.value)


def test_signing_without_a_key_is_refused(setup_of):
    with pytest.raises(BadInput, match="no key to sign with"):
        setup_of(dkim_domain="shop.example", dkim_selector="s1")
    for bad in ("shop example", "-shop", "söp.example", "a;b"):
        with pytest.raises(BadInput, match="dkim_domain"):
            setup_of(dkim_domain=bad, dkim_selector="s1")


def test_no_repr_shows_a_secret(setup_of, dkim_key):
    secrets = {"username": "shopper", "password": "secret words", "dkim_key": dkim_key.path}
    shown = repr(setup_of(secrets, dkim_domain="shop.example", dkim_selector="s1"))
    assert not {"shopper", "secret", "news@"} & {word for word in ("shopper", "secret", "news@") if word in shown}


def test_manifest_and_channel_say_the_same(channel):
    manifest, info = read_manifest("imp_channel_email"), channel.info
    assert manifest.name == info.name == "email"
    assert {action: tuple(names) for action, names in manifest.purposes.items()} == dict(info.purposes)
    assert tuple(manifest.identifiers) == tuple(spec.kind for spec in info.identifiers)
    assert tuple(manifest.hosts) == tuple(info.hosts) == ("{host}",)
    assert manifest.exceeded_by(info) == ""
    assert manifest.addresses is Addresses.RESOLVE
    assert set(manifest.secrets) == {"username", "password", "dkim_key"}
    assert manifest.exposures is False


def test_it_has_the_methods_of_what_it_serves_and_no_others(channel):
    assert isinstance(channel, Channel)
    for capability in Capability:
        for method in METHODS[capability]:
            assert hasattr(channel, method) == channel.info.serves(capability)


def test_nothing_was_kept_of_those_to_forget(channel, context_of):
    rows = [PersonRow(handle="h", key="k1"), PersonRow(handle="i", key="k2")]
    report = channel.forget(context_of({}), PeopleBatch(id="b", rows=rows))
    assert [(row.key, row.status) for row in report.rows] == [(key, DeliveryStatus.DELIVERED) for key in ("k1", "k2")]
