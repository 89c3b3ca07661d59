"""RFC 8058 as it comes over HTTP: which request withdraws, and which changes nothing."""

from __future__ import annotations

import pytest

from imp_consent.signals.one_click import BODY, Click, Page, format_one_click, parse_one_click
from imp_core.errors import BadInput

TARGET = "/u?t=uTOKEN"
FORM = "application/x-www-form-urlencoded"
# RFC 8058 section 8.1's other form
MULTIPART = b'--b0\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b0--\r\n'


def test_what_a_mail_program_posts_is_a_click():
    content_type, body = format_one_click()
    assert (content_type, body) == (FORM, b"List-Unsubscribe=One-Click")
    assert parse_one_click("POST", TARGET, content_type=content_type, body=body) == Click("uTOKEN")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("", BODY.encode()),
        (f"{FORM}; charset=utf-8", BODY.encode() + b"\r\n"),
        (FORM, b"list-unsubscribe=one-click"),
        (FORM, b"x=1&List-Unsubscribe=One-Click"),
        ("multipart/form-data; boundary=b0", MULTIPART),
        ('Multipart/Form-Data; boundary="b0"', MULTIPART),
    ],
)
def test_both_types_of_form_are_read(content_type, body):
    assert parse_one_click("POST", f"https://shop.example{TARGET}", content_type=content_type, body=body) == Click(
        "uTOKEN"
    )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_link_that_is_merely_followed_changes_nothing(method):
    assert parse_one_click(method, TARGET, content_type=FORM, body=BODY.encode()) == Page("uTOKEN")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b""),
        (FORM, b"List-Unsubscribe=Yes"),
        (FORM, b"One-Click"),
        (FORM, b"\xff\xfe"),
        (FORM, BODY.encode() + b" " * 10_000),
        ("multipart/form-data", MULTIPART),
        ("multipart/form-data; boundary=\xff", MULTIPART),
        ("application/json", b'{"List-Unsubscribe": "One-Click"}'),
    ],
)
def test_a_post_without_the_field_is_refused(content_type, body):
    with pytest.raises(BadInput, match="does not say List-Unsubscribe=One-Click"):
        parse_one_click("POST", TARGET, content_type=content_type, body=body)


@pytest.mark.parametrize("target", ["", "/u", "/u?t=", "/u?t=a&t=b", "/u?x=1", "http://[::1", "/u?" + "a=1&" * 50])
def test_an_address_without_one_token_is_refused(target):
    with pytest.raises(BadInput, match="without one token"):
        parse_one_click("POST", target, content_type=FORM, body=BODY.encode())


@pytest.mark.parametrize("method", ["PUT", "DELETE", "post", ""])
def test_other_methods_are_refused(method):
    with pytest.raises(BadInput, match="neither a GET nor a POST"):
        parse_one_click(method, TARGET, content_type=FORM, body=BODY.encode())


def test_the_token_is_shown_by_no_repr():
    assert "TOKEN" not in repr([Click("uTOKEN"), Page("uTOKEN")])
