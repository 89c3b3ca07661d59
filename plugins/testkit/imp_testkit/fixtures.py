"""What the kit must know of a channel that no declaration says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from imp_core.channel.context import Setting
from imp_core.event import EventType, SignalKind
from imp_testkit.peer import Fault, Peer, Seen

__all__ = ["Fixtures", "Inbound"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A file the channel reads: its name and content, its mapping (TOML) if it needs one, and what it yields.

    `expects` are the kinds of its events and signals in order, `faults` how many rows cannot be taken.
    """

    name: str
    content: bytes
    expects: Sequence[EventType | SignalKind] = ()
    faults: int = 0
    mapping: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixtures:
    """How the kit sets a channel up.

    package: whose `imp-plugin.toml` is the channel's manifest.
    peer: makes the local server the channel delivers to, such as `HttpSink`; `faults` are those it can play.
    settings, secrets: as in `imp.toml` and the environment; the peer's own settings are added.
    hosts: names of the local server that stand in for declared hosts no setting names.
    parts: the message by the parts of `content_formats`, and `fields`, one person's; made up where None.
    addresses: the n-th address of a kind; made up where None.
    purpose: what is delivered for; where None one the channel may activate, marketing first, families filled in.
    identity_of: what the peer knows a message by, such as the idempotency key or the Message-ID.
    withdrawal: where in a message a person finds the way out; where None the whole message is searched for the token.
    stop_word: the word a person answers with instead; the channel must ingest it.
    mail_headers: a mail's headers by names in small letters, where the peer's own are not those.
    remembers: the handles a channel still keeps something under (in memory, in files, at its gateway); None: nobody
        looks, and `forget` is checked by its answer only.
    inbound, spend: files for `ingest` and `report`.
    deadline: seconds after which a peer counts as hanging.
    """

    package: str
    peer: Callable[[], AbstractContextManager[Peer]] | None = None
    faults: Collection[Fault] = tuple(Fault)
    settings: Mapping[str, Setting] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    hosts: Sequence[str] = ()
    parts: Mapping[str, str] | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    addresses: Callable[[str, int], str] | None = None
    purpose: str | None = None
    identity_of: Callable[[Seen], str] | None = None
    withdrawal: Callable[[Seen], str] | None = None
    stop_word: str | None = None
    mail_headers: Callable[[Seen], Mapping[str, str]] | None = None
    remembers: Callable[[Any], Collection[str]] | None = None
    inbound: Sequence[Inbound] = ()
    spend: Sequence[Inbound] = ()
    deadline: float = 0.5
