"""What an inbound signal does: take consent back, stand as a signal, ask for somebody's eyes, or nothing.

unsubscribe, complaint, stop          ──▶  withdraw on the channel
reply   "STOP" / "when does it end?"  ──▶  withdraw on the channel / nothing, and somebody has to read it
bounce                                ──▶  signal: the address is of no use on the channel
gpc "1"                               ──▶  signal: closes what regimes say that GPC closes
gpc "0", a tcf or gpp string          ──▶  signal that is not valid: kept, closes nothing and opens nothing
gpc without a value                   ──▶  nothing: an absent signal takes nothing back (W3C GPC)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from imp_consent.signals.decode import Decoded, Decoders
from imp_consent.signals.gpc import DECODERS, format_gpc
from imp_consent.signals.optout import Reply, Words, packaged_words
from imp_core.errors import BadInput
from imp_core.event import SignalKind

__all__ = ["INERT", "UNNAMED", "Ear", "Effect", "closed_traits", "read_ear"]

# The trait an invalid signal closes: no purpose has it.
INERT: Final = ("invalid",)
# What an opt-out closes where no regime in force names it: who asks not to be sold is not sold, whatever the law.
UNNAMED: Final = frozenset({"sale", "sharing", "targeted-advertising"})
EVERY_PURPOSE: Final = "*"
_STRINGS: Final = frozenset({SignalKind.GPC, SignalKind.TCF, SignalKind.GPP})
_WHERE: Final = "imp.toml, [signals]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a signal becomes: an entry of `type` "withdraw" or "signal" for a purpose ("*": every one).

    `asserts` are the opt-outs it stands for, by the names that regimes' signal_traits have; `traits` are those it
    closes where no regime is asked (None: ask; () is everything). `decoded` is its string, where it has one.
    """

    type: str
    kind: SignalKind
    purpose: str = EVERY_PURPOSE
    asserts: frozenset[str] = frozenset()
    traits: tuple[str, ...] | None = ()
    decoded: Decoded | None = None

    @property
    def valid(self) -> bool:
        """Whether it may close anything."""
        return self.traits != INERT


@dataclass(frozen=True, slots=True, kw_only=True)
class Ear:
    """Hears signals as a workspace is set up to: its words, the purpose that an opt-out by word ends, its decoders."""

    words: Words = field(default_factory=lambda: _words([]))
    opt_out_purpose: str = EVERY_PURPOSE
    decoders: Decoders = DECODERS

    def hear(self, kind: SignalKind, raw: str | None = None, purpose: str | None = None) -> Effect | Reply:
        """What a signal does; a reply that does nothing says whether it mentions a word of opting out, or anything.

        Raises:
            BadInput: its string is too long, or not text.
        """
        if kind is SignalKind.REPLY:
            reply = self.words.read(raw or "")
            if reply is not Reply.OPT_OUT:
                return reply
            return Effect(type="withdraw", kind=kind, purpose=purpose or self.opt_out_purpose)
        if kind is SignalKind.BOUNCE:
            return Effect(type="signal", kind=kind, purpose=purpose or EVERY_PURPOSE)
        if kind not in _STRINGS:
            return Effect(type="withdraw", kind=kind, purpose=purpose or EVERY_PURPOSE)
        return self._string(kind, raw)

    def _string(self, kind: SignalKind, raw: str | None) -> Effect | Reply:
        if kind is SignalKind.GPC and raw is None:
            raw = format_gpc()  # the channel read the field itself
        if not raw:
            return Reply.NOTHING
        decoded = self.decoders.decode(str(kind), raw)
        traits = None if decoded.asserts else INERT
        return Effect(type="signal", kind=kind, asserts=decoded.asserts, traits=traits, decoded=decoded)


def closed_traits(asserts: frozenset[str], by_name: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """The traits that opt-outs close, by what the regimes in force say of each; sorted, and never none.

    None would be everything.
    """
    closed = {trait for name in asserts for trait in by_name.get(name) or UNNAMED}
    return tuple(sorted(closed)) or INERT


def read_ear(config: Mapping[str, Any]) -> Ear:
    """The ear of a workspace, from `[signals]` of its imp.toml: `opt_out_words` and `opt_out_purpose`.

    Raises:
        BadInput: one of them is not what it must be.
    """
    table = config.get("signals", {})
    if not isinstance(table, Mapping):
        raise BadInput("must be a table", where=_WHERE, mend="write it as a line [signals] with its settings below it")
    words, purpose = table.get("opt_out_words", []), table.get("opt_out_purpose", EVERY_PURPOSE)
    if not isinstance(words, list):
        raise BadInput("opt_out_words must be a list of words", where=_WHERE, mend='opt_out_words = ["genug"]')
    if not isinstance(purpose, str) or not purpose:
        raise BadInput("opt_out_purpose must be a purpose", where=_WHERE, mend='opt_out_purpose = "marketing.sms"')
    try:
        return Ear(words=_words(words), opt_out_purpose=purpose)
    except BadInput as error:
        raise BadInput(f"opt_out_words: {error.what}", where=_WHERE, mend='opt_out_words = ["genug"]') from None


def _words(own: Iterable[object]) -> Words:
    packaged = packaged_words()
    return Words([*packaged["words"], *own], alone=packaged["alone"], courtesy=packaged["courtesy"])
