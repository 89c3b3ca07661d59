"""Who gets data, for the record of processing (GDPR 30(1)(d)): by imp.toml, the channels, the purposes, the notices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.notice import RegisteredNotice
from imp_core.wall.host import normal_host

__all__ = ["HOST", "RecordedRecipient", "recipients_of"]

HOST: Final = "host"  # the role of a host that nobody was named for yet
_FILE: Final = "imp.toml"
_ABROAD: Final = "transfer-abroad"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRecipient:
    """Somebody who gets data: `source` is what says so. `country` and `safeguard` are None where nobody said."""

    name: str
    role: str
    contact: str | None
    country: str | None
    safeguard: str | None
    source: str


def recipients_of(
    said: Sequence[Mapping[str, str]],
    channels: Mapping[str, Sequence[str] | None],
    unset: Iterable[tuple[str, str]],
    purposes: Iterable[DeclaredPurpose],
    notices: Iterable[RegisteredNotice],
) -> tuple[RecordedRecipient, ...]:
    """Those of imp.toml (`said`), the hosts of channels that none of them runs, and whom purposes and notices name.

    `unset` are channels with the setting that would name a host of theirs and does not.
    """
    hosts = [(f"[channels.{name}] {setting}", name, f"{HOST}, not set yet") for name, setting in unset]
    hosts += [(", ".join(sorted(found)), name, HOST) for name, found in _nobodys(said, channels)]
    return (
        *_named(said, channels),
        *(
            RecordedRecipient(
                name=host, role=role, contact=None, country=None, safeguard=None, source=f"channel {channel}"
            )
            for host, channel, role in hosts
        ),
        *_told(purposes, notices),
    )


def _named(
    said: Sequence[Mapping[str, str]], channels: Mapping[str, Sequence[str] | None]
) -> Iterator[RecordedRecipient]:
    for one in said:
        runs = [name for name, hosts in sorted(channels.items()) if any(_runs(one, host) for host in hosts or ())]
        yield RecordedRecipient(
            name=one["name"],
            role=one.get("role", "recipient"),
            contact=one.get("contact"),
            country=one.get("country"),
            safeguard=one.get("safeguard"),
            source="; ".join([_FILE, *(f"channel {name}" for name in runs)]),
        )


def _nobodys(
    said: Sequence[Mapping[str, str]], channels: Mapping[str, Sequence[str] | None]
) -> Iterator[tuple[str, list[str]]]:
    """The hosts behind a channel that nobody was named for: a channel without any sends nothing away."""
    for name, hosts in sorted(channels.items()):
        left = [host for host in hosts or () if not any(_runs(one, host) for one in said)]
        if left:
            yield name, left


def _runs(one: Mapping[str, Any], host: str) -> bool:
    """Whether a recipient of imp.toml is the one behind a host: by its `host`, or called by the host's name."""
    return normal_host(host) in {normal_host(one[key]) for key in ("host", "name") if key in one}


def _told(purposes: Iterable[DeclaredPurpose], notices: Iterable[RegisteredNotice]) -> list[RecordedRecipient]:
    found = {
        purpose.recipient.name: RecordedRecipient(
            name=purpose.recipient.name,
            role="recipient",
            contact=purpose.recipient.contact or None,
            country="abroad" if _ABROAD in purpose.traits else None,
            safeguard=None,
            source=f"purpose {purpose.name}",
        )
        for purpose in purposes
        if purpose.recipient is not None
    }
    for notice in (one.notice for one in notices):
        for name in notice.recipients:
            found.setdefault(
                name,
                RecordedRecipient(
                    name=name, role="recipient", contact=None, country=None, safeguard=None,
                    source=f"notice {notice.name}",
                ),
            )  # fmt: skip
    return [found[name] for name in sorted(found)]
