"""A person can leave in as many steps as they came."""

from __future__ import annotations

import re

from imp_core.channel import Capability
from imp_core.event import SignalKind
from imp_testkit.bench import Bench
from imp_testkit.check import Ground, check, require
from imp_testkit.peer import Seen

__all__ = ["test_a_person_can_withdraw_from_every_message", "test_mail_carries_the_one_click_headers_of_rfc_8058"]

# A channel may know the word itself, or hand in what was answered for consent to read.
_HEARD = frozenset({SignalKind.STOP, SignalKind.REPLY})
_HTTPS = re.compile(r"<(https://[^>\s]+)>", re.IGNORECASE)


def _markets(ground: Ground) -> bool:
    return ground.delivers and ground.markets


def _mails(ground: Ground) -> bool:
    return _markets(ground) and ground.mails


@check(_markets)
def test_a_person_can_withdraw_from_every_message(bench: Bench) -> None:
    """Every marketing message carries its own way out: the row's unsubscribe token, or a word that is heard."""
    people, word = bench.people(3), bench.fixtures.stop_word
    if word is not None:
        heard = any(_HEARD & set(inbound.expects) for inbound in bench.fixtures.inbound)
        require(
            heard and bench.info.serves(Capability.INGEST),
            f"the stop word {word} is heard by nobody",
            "ingest answers as SignalKind.STOP or REPLY, and show one in Fixtures.inbound",
        )
    bench.deliver(people)
    for person in people:
        for seen in bench.seen_of(person):
            way = _way_out(bench, seen)
            there = person.row.unsubscribe in way or (word is not None and word in way)
            require(there, "a message without a way out", "put row.unsubscribe into it, in a link or a reply address")


@check(_mails)
def test_mail_carries_the_one_click_headers_of_rfc_8058(bench: Bench) -> None:
    """Marketing mail has List-Unsubscribe with an https URI of the row's own, and List-Unsubscribe-Post (RFC 8058)."""
    people = bench.people(2)
    bench.deliver(people)
    for person in people:
        for seen in bench.seen_of(person):
            headers = _headers(bench, seen)
            links = _HTTPS.findall(headers.get("list-unsubscribe", ""))
            own = any(person.row.unsubscribe in link for link in links)
            require(own, "no https URI with the row's token in List-Unsubscribe", "List-Unsubscribe: <https://…token…>")
            post = headers.get("list-unsubscribe-post", "").replace(" ", "").lower()
            require(
                post == "list-unsubscribe=one-click",
                "no List-Unsubscribe-Post",
                "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            )
            _signed(headers)


def _signed(headers: dict[str, str]) -> None:
    signature = headers.get("dkim-signature")
    if signature is None:
        return  # the mail server may sign what it relays
    names = re.search(r"\bh=([^;]*)", signature)
    signed = {name.strip().lower() for name in names[1].split(":")} if names else set()
    missing = {"list-unsubscribe", "list-unsubscribe-post"} - signed
    require(not missing, f"the DKIM signature leaves out {', '.join(sorted(missing))}", "sign both (RFC 8058, 4)")


def _headers(bench: Bench, seen: Seen) -> dict[str, str]:
    found = bench.fixtures.mail_headers(seen) if bench.fixtures.mail_headers else seen.headers
    return {name.lower(): value for name, value in found.items()}


def _way_out(bench: Bench, seen: Seen) -> str:
    return bench.fixtures.withdrawal(seen) if bench.fixtures.withdrawal else seen.text
