"""Files of law that are added: which take the place of which, and what rules come and go by them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from imp_consent.commands.files import read_bytes
from imp_consent.commands.rules_text import rules_text
from imp_consent.gate.judged_anew import judged_anew
from imp_consent.ledger.reader import Reader
from imp_consent.policy.regime import Regime, Regimes, packaged, parse_regime, read_regimes, register_regimes
from imp_consent.runtime import open_log
from imp_core.command import progress
from imp_core.context import Context
from imp_core.counting import some
from imp_core.errors import BadInput

__all__ = ["FOLDER", "SHIPPED", "RegimesAdded", "add_regimes", "added_text", "first_regimes", "origin"]

FOLDER: Final = "regimes"
SHIPPED: Final = "shipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimesAdded:
    """The `policy` entry since which these regimes hold, and which were new or changed; None: they were so already.

    `replaced` are those among them that imp itself brings and another file now stands for. `rules` are by regime the
    lines of its rules that came ("+ …") and went ("- …"). `judged_anew` is by purpose of how many people the standing
    permission was recorded under one of them and would be judged otherwise by the new rules; it stands all the same.
    `dry_run`: nothing was written, the answer is what would be.
    """

    seq: int | None
    changed: tuple[str, ...]
    replaced: tuple[str, ...] = ()
    rules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    judged_anew: Mapping[str, int] = field(default_factory=dict)
    dry_run: bool = False


def add_regimes(
    ctx: Context,
    paths: Sequence[Path] = (),
    *,
    shipped: bool = False,
    replacing: bool = False,
    dry_run: bool = False,
) -> RegimesAdded:
    """Add or replace regimes by files; without any, by those in the workspace's folder `regimes`.

    `shipped`: by those of this version of imp. Only `replacing` another file takes the place of one of those. `dry_run`
    writes nothing.

    Raises:
        BadInput: a file is not a regime, there is none, or it would take the place of one that imp brings.
    """
    files = list(paths) or ([] if shipped else sorted((ctx.workspace.root / FOLDER).glob("*.toml")))
    new = [parse_regime(read_bytes(path), where=str(path)) for path in files] + (list(packaged()) if shipped else [])
    if not new:
        raise BadInput("no file of law", where=str(ctx.workspace.root / FOLDER), mend="name one, or put it there")
    if len({found.name for found in new}) < len(new):
        raise BadInput("two files are of one regime", where="FILES", mend="name each regime once")
    with open_log(ctx).read() as reader, progress("people") as counted:
        held, changed = _held(reader, new)
        anew = _judged_anew(reader, held, changed, at_us=ctx.clock.now_us(), count=counted.advance)
    if dry_run:
        return replace(_added(held, changed, seq=None), judged_anew=anew, dry_run=True)
    with open_log(ctx).write() as transaction:
        held, changed = _held(transaction, new)
        replaced = [found.name for found in changed if _in_place_of_shipped(found)]
        if replaced and not replacing:
            raise BadInput(
                f"imp itself brings {', '.join(replaced)}: another file would take its place",
                where="FILES",
                mend="look at it with --dry-run, then say --replace; or give your file a name of its own and name both",
            )
        now = held | {found.name: found for found in new}
        seq = register_regimes(transaction, now.values()) if changed else None
    return replace(_added(held, changed, seq=seq), judged_anew=anew)


def _judged_anew(
    reader: Reader, held: Mapping[str, Regime], changed: Sequence[Regime], *, at_us: int, count: Callable[[int], None]
) -> dict[str, int]:
    names = {found.name for found in changed if found.name in held}
    if not names:
        return {}  # nobody's entry was recorded under a law that is new
    before = Regimes({name: found.text for name, found in held.items()})
    after = Regimes({**before.texts, **{found.name: found.text for found in changed}})
    return judged_anew(reader, before, after, names, at_us=at_us, count=count)


def _held(reader: Reader, new: Sequence[Regime]) -> tuple[dict[str, Regime], list[Regime]]:
    """The regimes that are known, by name, and what of the new ones they are not."""
    held = {found.name: found for found in read_regimes(reader)}
    return held, [found for found in new if found.name not in held or held[found.name].text != found.text]


def _added(held: Mapping[str, Regime], changed: Sequence[Regime], *, seq: int | None) -> RegimesAdded:
    return RegimesAdded(
        seq=seq,
        changed=tuple(found.name for found in changed),
        replaced=tuple(found.name for found in changed if _in_place_of_shipped(found)),
        rules={found.name: tuple(_differences(held[found.name], found)) for found in changed if found.name in held},
    )


def added_text(done: RegimesAdded) -> str:
    """What was or would be added, and of what was there before the rules that came and went."""
    if not done.changed:
        return "nothing to change"
    names = ", ".join(done.changed)
    out = [
        f"dry run, nothing is written: this would set the law {names}" if done.dry_run else f"entry {done.seq}: {names}"
    ]
    if done.replaced:
        needs = " (it needs --replace)" if done.dry_run else ""
        out.append(f"in place of what imp brings: {', '.join(done.replaced)}{needs}")
    if done.rules:
        out.append(_judged_text(done.judged_anew))
    for name, rules in done.rules.items():
        out += [f"{name}:", *(f"  {line}" for line in rules or ("the same rules in other words",))]
    return "\n".join(out)


def _judged_text(anew: Mapping[str, int]) -> str:
    stands = "what was recorded stands under the law it was recorded under, and ages say what it said then"
    if not anew:
        return f"nobody's standing permission would be judged otherwise; {stands}"
    counts = ", ".join(f"{some(n, 'person', 'people')} for {purpose}" for purpose, n in anew.items())
    return f"judged otherwise, if it were given under the new rules: the permission of {counts}; {stands}"


def first_regimes(reader: Reader) -> Mapping[str, str]:
    """The hashes of the files with which the ledger began: those that the imp of that time brought."""
    for entry in reader.system_entries("policy"):
        named = entry.fields.get("regimes")
        if isinstance(named, Mapping):
            return {str(name): str(sha256) for name, sha256 in named.items()}
    return {}


def origin(found: Regime, first: Mapping[str, str]) -> str:
    """Whose file it is: "shipped", "own", "earlier" or "replaced", as `ListedRegime` explains."""
    if found.name not in packaged().texts:
        return "own"
    if not _in_place_of_shipped(found):
        return SHIPPED
    return "earlier" if first.get(found.name) == found.sha256 else "replaced"


def _in_place_of_shipped(found: Regime) -> bool:
    shipped = packaged().texts.get(found.name)
    return shipped is not None and shipped != found.text


def _differences(old: Regime, new: Regime) -> Iterable[str]:
    """Lines of rules that go and come: in general, then in each jurisdiction where they are others than in general."""
    yield from _lines(_told(old, None), _told(new, None), "")
    for code in sorted(old.jurisdictions.keys() | new.jurisdictions.keys()):
        before, after = ({*_told(one, code)} - {*_told(one, None)} for one in (old, new))
        yield from _lines([line for line in _told(old, code) if line in before],
                          [line for line in _told(new, code) if line in after], f"in {code}: ")  # fmt: skip
    if old.applies != new.applies:
        yield f"- holds in {', '.join(old.applies)}"
        yield f"+ holds in {', '.join(new.applies)}"


def _lines(before: Sequence[str], after: Sequence[str], where: str) -> Iterable[str]:
    yield from (f"- {where}{line}" for line in before if line not in after)
    yield from (f"+ {where}{line}" for line in after if line not in before)


def _told(regime: Regime, code: str | None) -> list[str]:
    """The rules in lines, without the first, which names the regime and the jurisdiction."""
    return rules_text(regime.rules(code), whole=True).splitlines()[1:]
