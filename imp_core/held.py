"""A channel as core holds it: what it declares is read once, checked and kept; what it does stays its own.

The object a plugin registered may describe itself differently at every look, so nobody looks twice: `HeldChannel.info`
is core's own copy, and its methods are looked up on the plugin's object when they are called.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from imp_core.channel import (
    METHODS,
    SPEC_VERSION,
    BatchLimit,
    Capability,
    ChannelInfo,
    CheckResult,
    ContentFormat,
    DeliveryReport,
    IdentifierSpec,
    PeopleBatch,
    RateLimit,
    Support,
)
from imp_core.channel.context import ChannelContext
from imp_core.channel.protocol import Maybe
from imp_core.gate import Action
from imp_core.wall.words import plain_text

__all__ = ["ALWAYS", "HeldChannel", "hold", "missing_methods", "undeclared_methods"]

ALWAYS: Final = ("check", "forget")
_MOST_ITEMS = 1_000
_MOST_TEXT = 1_000
_MOST_ROWS = 500
_MOST_CONNECTIONS = 100

T = TypeVar("T")


class HeldChannel:
    """A `Channel` whose description does not change; `package` is its plugin's, to tell its code from others'."""

    package: str = ""

    def __init__(self, channel: object, info: ChannelInfo) -> None:
        self._channel: Any = channel
        self.info = info

    def __repr__(self) -> str:
        return f"HeldChannel({self.info.name})"

    def check(self, ctx: ChannelContext) -> Maybe[CheckResult]:
        """The plugin's own."""
        answer: Maybe[CheckResult] = self._channel.check(ctx)
        return answer

    def forget(self, ctx: ChannelContext, batch: PeopleBatch) -> Maybe[DeliveryReport]:
        """The plugin's own."""
        answer: Maybe[DeliveryReport] = self._channel.forget(ctx, batch)
        return answer

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (a method of the plugin's)
        if name not in _METHODS:
            raise AttributeError(f"no method of a channel: {name}")
        return getattr(self._channel, name)


_METHODS: Final = frozenset(name for names in METHODS.values() for name in names)


def hold(channel: Any) -> HeldChannel | str:  # noqa: ANN401 (whatever a plugin registered)
    """Read what a channel declares, once; a text says what does not hold: a method is missing, a limit is none.

    Raises:
        TypeError: its description, or something in it, is of another type.
        ValueError: a word that core does not know.
        Whatever the plugin raises.
    """
    info = _plain_info(channel.info)
    problem = _beyond_limits(info)
    missing = missing_methods(channel, info)
    if missing:
        problem = f"its channel lacks: {', '.join(missing)}"
    return problem or HeldChannel(channel, info)


def missing_methods(channel: object, info: ChannelInfo) -> list[str]:
    """The methods a channel must have, by what it declares, and has not."""
    served = [capability for capability in Capability if info.serves(capability)]
    needed = [*ALWAYS, *(name for capability in served for name in METHODS[capability])]
    return [name for name in needed if not callable(getattr(channel, name, None))]


def undeclared_methods(channel: object, info: ChannelInfo) -> list[str]:
    """The methods a channel has, and does not declare to serve."""
    return [
        name
        for capability, names in METHODS.items()
        if not info.serves(capability)
        for name in names
        if callable(getattr(channel, name, None))
    ]


def _plain_info(info: object) -> ChannelInfo:
    found = _exactly(info, ChannelInfo)
    if type(found.spec_version) is not int:
        raise TypeError("not a version")
    return ChannelInfo(
        name=_text(found.name),
        version=_text(found.version),
        spec_version=found.spec_version,
        purposes={Action(_text(action)): _texts(names) for action, names in _pairs(found.purposes)},
        identifiers=tuple(
            IdentifierSpec(kind=_text(item.kind), normalisation=_text(item.normalisation), hash=_text(item.hash))
            for item in _all(found.identifiers, IdentifierSpec)
        ),
        content_formats=tuple(_plain_format(item) for item in _all(found.content_formats, ContentFormat)),
        stages=_texts(found.stages),
        rate=_plain_rate(_exactly(found.rate, RateLimit)),
        batch=_plain_batch(_exactly(found.batch, BatchLimit)),
        hosts=_texts(found.hosts),
        supports={Capability(_text(name)): Support(_text(how)) for name, how in _pairs(found.supports)},
    )


def _plain_format(item: ContentFormat) -> ContentFormat:
    required: object = item.required  # what it says is a stranger's word, whatever its declared type
    if type(required) is not bool or type(item.max_chars) not in (int, type(None)):
        raise TypeError("not a content format")
    return ContentFormat(name=_text(item.name), required=required, max_chars=item.max_chars)


def _plain_rate(rate: RateLimit) -> RateLimit:
    if type(rate.per_second) not in (int, float, type(None)) or type(rate.burst) is not int:
        raise TypeError("not a rate")
    return RateLimit(per_second=rate.per_second, burst=rate.burst)


def _plain_batch(batch: BatchLimit) -> BatchLimit:
    if type(batch.rows) is not int or type(batch.connections) is not int:
        raise TypeError("not a limit")
    return BatchLimit(rows=batch.rows, connections=batch.connections)


def _beyond_limits(info: ChannelInfo) -> str | None:
    pace = info.rate.per_second
    if info.spec_version != SPEC_VERSION:
        return f"its channel is not written for spec version {SPEC_VERSION}"
    if (pace is not None and not (math.isfinite(pace) and pace > 0)) or info.rate.burst < 1:
        return "its channel's rate must be above zero, and its burst a whole number from 1"
    if not 1 <= info.batch.rows <= _MOST_ROWS:
        return f"its channel's batch limit rows must be a whole number from 1 to {_MOST_ROWS}"
    if not 1 <= info.batch.connections <= _MOST_CONNECTIONS:
        return f"its channel's batch limit connections must be a whole number from 1 to {_MOST_CONNECTIONS}"
    return None


def _pairs(table: object) -> list[tuple[object, object]]:
    if not isinstance(table, Mapping) or len(table) > _MOST_ITEMS:
        raise TypeError("not a mapping")
    return list(table.items())


def _texts(values: object) -> tuple[str, ...]:
    if isinstance(values, str):  # it is a sequence of texts, but of letters
        raise TypeError("not a list of texts")
    return tuple(_text(value) for value in _items(values))


def _all(values: object, kind: type[T]) -> tuple[T, ...]:
    return tuple(_exactly(value, kind) for value in _items(values))


def _items(values: object) -> list[object]:
    if not isinstance(values, Sequence) or len(values) > _MOST_ITEMS:
        raise TypeError("not a list")
    return list(values)


def _text(value: object) -> str:
    text = plain_text(value)
    if len(text) > _MOST_TEXT or not (text.isprintable() or not text):
        raise ValueError("not one short line of text")
    return text


def _exactly(value: object, kind: type[T]) -> T:
    if type(value) is not kind:
        raise TypeError(f"not a {kind.__name__}")
    return value
