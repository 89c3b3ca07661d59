"""What plugins are written against, read from the code: hooks, channel methods, errors and types."""

from __future__ import annotations

import dataclasses
import enum
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from imp_core import channel, event, gate, hookspecs, key_store

__all__ = [
    "CAPABILITIES", "ERRORS", "TYPES", "Call", "fields", "functions", "hooks", "methods", "read_call", "signatures",
]  # fmt: skip

CAPABILITIES: Final = {
    "every channel": channel.Channel,
    "deliver": channel.Delivers,
    "sync_audience": channel.SyncsAudience,
    "send_conversions": channel.SendsConversions,
    "poll": channel.Polls,
    "ingest": channel.Ingests,
    "report": channel.Reports,
    "withdrawn": channel.HearsWithdrawals,
    "exposed": channel.HearsExposures,
}
ERRORS: Final = (
    channel.ChannelError, channel.Retryable, channel.RateLimited, channel.Permanent, channel.PayloadInvalid,
    channel.AuthInvalid, channel.NotGranted,
)  # fmt: skip
TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "What a channel declares": (
        channel.ChannelInfo, channel.IdentifierSpec, channel.ContentFormat, channel.RateLimit, channel.BatchLimit,
        channel.Capability, channel.Support, gate.Action,
    ),
    "What a channel is handed": (
        channel.ChannelContext, channel.DeliveryContext, channel.Batch, channel.Recipient, channel.Content,
        channel.PeopleBatch, channel.PersonRow, channel.ConversionBatch, channel.Conversion, channel.ExposureBatch,
        channel.Exposure, channel.Source, channel.Window, event.RawId,
    ),
    "What a channel answers": (
        channel.CheckResult, channel.Plan, channel.Preview, channel.DeliveryReport, channel.RowStatus,
        channel.DeliveryStatus, channel.JobRef, channel.JobStatus, channel.JobState, event.RawEvent, event.EventType,
        event.Signal, event.SignalKind, event.RowFault, channel.SpendPage, channel.SpendRow,
    ),
    "What hooks answer and are asked": (
        hookspecs.CommandRef, hookspecs.RuntimeProvider, hookspecs.KeyProvider, key_store.KeyStore,
        hookspecs.VetoAction, hookspecs.Veto,
    ),
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function: its arguments (`type`, or `type = default`), what it returns, how many come before those by name."""

    name: str
    arguments: Mapping[str, str]
    returns: str
    named_from: int

    def __str__(self) -> str:
        shown = [f"{name}: {kind}" for name, kind in self.arguments.items()]
        if self.named_from < len(shown):
            shown.insert(self.named_from, "*")
        return f"{self.name}({', '.join(shown)})" + (f" -> {self.returns}" if self.returns else "")


def read_call(function: Callable[..., Any], name: str | None = None) -> Call:
    """A function's signature as it is written; `self` is left out."""
    signature = inspect.signature(function)
    parameters = [item for item in signature.parameters.values() if item.name not in ("self", "cls")]
    named = [item.kind is inspect.Parameter.KEYWORD_ONLY for item in parameters]
    returns = signature.return_annotation
    return Call(
        name=name or function.__name__,
        arguments={item.name: _argument(item.annotation, item.default) for item in parameters},
        returns="" if returns is inspect.Signature.empty or name else str(returns),
        named_from=named.index(True) if True in named else len(named),
    )


def _argument(annotation: object, default: object) -> str:
    kind = "" if annotation is inspect.Parameter.empty else str(annotation)
    return kind if default is inspect.Parameter.empty else f"{kind} = {_value(default)}"


def _value(value: object) -> str:
    return f"{type(value).__name__}.{value.name}" if isinstance(value, enum.Enum) else repr(value)


def functions(owner: object) -> dict[str, Callable[..., Any]]:
    """The public functions that a class or module defines itself, in the order they are written."""
    found = {name: item for name, item in vars(owner).items() if not name.startswith("_")}
    plain = {name: item.__func__ if isinstance(item, classmethod) else item for name, item in found.items()}
    return {name: item for name, item in plain.items() if inspect.isfunction(item)}


def hooks() -> dict[str, Callable[..., Any]]:
    """The hooks by name."""
    return {name: item for name, item in functions(hookspecs).items() if name.startswith("imp_")}


def methods() -> dict[str, Callable[..., Any]]:
    """The methods of channels by name."""
    return {name: item for owner in CAPABILITIES.values() for name, item in functions(owner).items()}


def fields(kind: type) -> dict[str, tuple[str, str]]:
    """A dataclass's fields: type and default (empty: it must be given)."""
    found = {}
    for item in dataclasses.fields(kind):
        default = "" if item.default is dataclasses.MISSING else _value(item.default)
        if item.default_factory is not dataclasses.MISSING:
            default = "{}" if item.default_factory is dict else f"{_name(item.default_factory)}()"
        found[item.name] = (str(item.type), default)
    return found


def _name(factory: object) -> str:
    return str(getattr(factory, "__name__", factory))


def signatures() -> dict[str, Any]:
    """Everything a plugin is written against, as plain data."""
    listed = [kind for kinds in TYPES.values() for kind in kinds]
    context = functions(channel.DeliveryContext)
    return {
        "hooks": {name: _plain(read_call(item)) for name, item in hooks().items()},
        "methods": {name: _plain(read_call(item)) for name, item in (methods() | context).items()},
        "errors": {kind.__name__: _plain(read_call(kind, kind.__name__)) for kind in ERRORS},
        "types": {kind.__name__: _typed(kind) for kind in listed if dataclasses.is_dataclass(kind)},
        "values": {kind.__name__: [str(item) for item in kind] for kind in listed if issubclass(kind, enum.Enum)},
    }


def _plain(call: Call) -> dict[str, Any]:
    return {"arguments": dict(call.arguments), "returns": call.returns}


def _typed(kind: type) -> dict[str, str]:
    return {name: f"{written} = {default}" if default else written for name, (written, default) in fields(kind).items()}
