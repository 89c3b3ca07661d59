"""What a send needs before its first row: channel, campaign and experiment, each held against the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from imp_consent.commands.audience import AudienceLayout
from imp_consent.identity.normalize import normalise
from imp_consent.ledger.log import Log
from imp_consent.plane.intake import Intake, Refuse
from imp_consent.plane.send import (
    CHUNK,
    AudienceRow,
    Campaign,
    Candidate,
    Carrier,
    PlanResult,
    PreviewResult,
    Screen,
    Sender,
    SendResult,
    Tally,
    plan_batch,
    read_campaign,
    windows,
)
from imp_consent.policy.misnamed import unknown_purpose
from imp_consent.policy.purpose import read_purposes
from imp_consent.runtime import open_log
from imp_core.channel import Capability, Channel, ChannelInfo, PayloadInvalid, Plan
from imp_core.context import Context
from imp_core.encodings import ENCODINGS
from imp_core.errors import BadInput, CheckFailed
from imp_core.event import RowFault
from imp_core.gate import Action
from imp_core.hookspecs import VetoAction
from imp_core.manifest import Addresses, Manifest
from imp_core.outbound import answers
from imp_core.outbound.backoff import Backoff
from imp_core.outbound.bucket import TokenBucket
from imp_core.outbound.open import channel_context, open_runner
from imp_core.outbound.runner import ChannelRunner
from imp_core.ports import ExperimentTerms

__all__ = ["Sending", "prepare"]


@dataclass
class Sending:
    """One send, checked and ready: the channel, the campaign, and what becomes of the audience."""

    ctx: Context
    log: Log
    info: ChannelInfo
    manifest: Manifest
    campaign: Campaign
    terms: ExperimentTerms | None
    runner: ChannelRunner
    resend_in_doubt: bool
    encoding: str
    bucket: TokenBucket
    tally: Tally = field(default_factory=Tally)

    @property
    def layout(self) -> AudienceLayout:
        """What is read of an audience."""
        kinds = [spec.kind for spec in self.info.identifiers]
        return AudienceLayout(
            kinds=kinds,
            fields=self.campaign.fields,
            addressed=self.manifest.addresses is Addresses.RESOLVE,
            encoding=ENCODINGS[self.encoding],
        )

    @property
    def rows(self) -> int:
        """The most rows of one chunk: what a send-intent names, the channel takes and its rate lets through at once."""
        paced = self.info.rate.burst if self.info.rate.per_second else CHUNK
        return max(1, min(CHUNK, self.info.batch.rows, paced))

    def checked(self, audience: Iterable[AudienceRow | RowFault]) -> Iterator[AudienceRow | RowFault]:
        """The rows, those with a malformed identifier as faults."""
        for row in audience:
            yield row if isinstance(row, RowFault) else _checked(row)

    def screened(self, audience: Iterable[AudienceRow | RowFault], refuse: Refuse) -> Iterator[list[Candidate]]:
        """Chunks of those who would be sent to now; the others are counted."""
        screen = self.screen(refuse)
        for window in windows(audience):
            with self.log.read() as reader:
                found = screen.candidates(reader, window)
            going = [item for item in found if item.content is not None]
            self.tally.held_out += len(found) - len(going)
            for start in range(0, len(going), self.rows):
                yield going[start : start + self.rows]

    def screen(self, refuse: Refuse) -> Screen:
        """Who may be sent to, asked window by window."""
        return Screen(
            self.campaign,
            self.tally,
            assigner=self.ctx.assigner if self.terms else None,
            terms=self.terms,
            now_us=self.ctx.clock.now_us,
            resend_in_doubt=self.resend_in_doubt,
            refuse=refuse,
        )

    def check_contents(self) -> PlanResult:
        """Let the channel look at every content, whoever is to get it, before anything is done.

        Raises:
            BadInput: a content cannot be sent, or a setting is not as it must be.
            PluginBroken: it answered something else than a plan.
        """
        return self.plan(tuple(self.campaign.contents))

    def plan(self, contents: Sequence[str]) -> PlanResult:
        """What the channel says that sending these would take, a message each; it connects to nothing.

        Raises:
            BadInput: the content cannot be sent.
            PluginBroken: it answered something else than a plan.
        """
        batch = plan_batch(self.campaign, contents, now_us=self.ctx.clock.now_us())
        context = channel_context(self.ctx, self.info.name)
        try:
            plan: Plan = self.runner.call("plan", context, batch, connect=False, take=answers.plan)
        except PayloadInvalid as error:
            where = f"campaigns/{self.campaign.name}.toml"
            what, mend = f"the channel cannot send this content: {error.code}", "mend it there; see docs/sending.md"
            raise BadInput(what, where=where, mend=mend) from None
        return _planned(plan)

    def vetoed(self, count: int) -> bool:
        """Whether a plugin stops it."""
        action = VetoAction(
            channel=self.info.name, purpose=self.campaign.purpose, campaign=self.campaign.name, count=count
        )
        return bool(self.ctx.plugins.vetoes(action))

    def sender(self, refuse: Refuse, *, advance: Callable[[int], None]) -> Sender:
        """What sends."""
        return Sender(
            carrier=self.carrier(),
            screen=self.screen(refuse),
            tally=self.tally,
            intake=Intake(log=self.log, workspace=self.ctx.workspace),
            terms=self.terms,
            rows=self.rows,
            vetoed=self.vetoed,
            advance=advance,
        )

    def carrier(self) -> Carrier:
        """What a chunk is carried by."""
        ctx, terms = self.ctx, self.terms
        entry = {"plugin": self.info.version, "manifest": self.manifest.sha256}
        return Carrier(
            log=self.log,
            workspace=ctx.workspace,
            campaign=self.campaign,
            runner=self.runner,
            context=lambda: channel_context(ctx, self.info.name),
            granted=self.manifest.addresses is Addresses.RESOLVE,
            stopwatch=ctx.stopwatch,
            backoff=Backoff(ctx.randomness),
            pace=self.bucket.take,
            entry={**entry, "experiment": terms.name, "phase": terms.phase} if terms else entry,
        )

    def result(
        self,
        *,
        executed: bool,
        to_send: int = 0,
        plan: PlanResult | None = None,
        recovered: int = 0,
        problems: tuple[str, ...] = (),
        stopped: bool = False,
    ) -> SendResult:
        """The answer."""
        return SendResult.of(
            self.campaign, self.tally, executed=executed, to_send=to_send, plan=plan, recovered=recovered,
            problems=problems, stopped=stopped,
        )  # fmt: skip


@contextmanager
def prepare(
    ctx: Context, channel: str, campaign_name: str, *, resend_in_doubt: bool, encoding: str = "utf-8"
) -> Iterator[Sending]:
    """Everything about a send that can be known before its audience is read.

    Raises:
        BadInput: the channel is not enabled or does not deliver, or the campaign does not fit it.
        CheckFailed: the experiment is not running, or it or its campaign has changed since it began.
    """
    workspace = ctx.workspace  # where there is none, that is what is told
    plugin = ctx.plugins.channel(channel)
    manifest = _manifest(ctx, plugin)
    campaign = read_campaign(workspace.root / "campaigns", campaign_name)
    log = open_log(ctx)
    _check_campaign(log, campaign, plugin.info, manifest)
    terms = _terms(ctx, log, campaign)
    runner = open_runner(ctx, channel)
    try:
        yield Sending(
            ctx=ctx, log=log, info=plugin.info, manifest=manifest, campaign=campaign, terms=terms, runner=runner,
            resend_in_doubt=resend_in_doubt, encoding=encoding, bucket=TokenBucket(plugin.info.rate, ctx.stopwatch),
        )  # fmt: skip
    finally:
        runner.close()


def _manifest(ctx: Context, plugin: Channel) -> Manifest:
    name = plugin.info.name
    manifest = ctx.plugins.manifest_of(name)
    if manifest is None:
        raise BadInput(
            f"the channel {name} has no manifest of its name", mend="its package must hold imp-plugin.toml", where=name
        )
    if not plugin.info.serves(Capability.DELIVER):
        raise BadInput(f"the channel {name} does not deliver", mend="see: imp plugin show", where=name)
    return manifest


def _check_campaign(log: Log, campaign: Campaign, info: ChannelInfo, manifest: Manifest) -> None:
    where = f"campaigns/{campaign.name}.toml"
    if campaign.channel != info.name:
        mend = f"send it with: imp send {campaign.channel}"
        raise BadInput(f"the campaign is for the channel {campaign.channel}", where=where, mend=mend)
    with log.read() as reader:
        if campaign.purpose not in (purposes := read_purposes(reader)):
            raise unknown_purpose(campaign.purpose, purposes, where=f"{where}: purpose")
    if not manifest.allows(Action.ACTIVATE, campaign.purpose):
        what = f"the channel {info.name} does not declare the purpose {campaign.purpose} for sending"
        raise BadInput(what, where=f"{where}: purpose", mend=f"see: imp plugin show {info.name}")
    _check_parts(campaign, info, where)


def _check_parts(campaign: Campaign, info: ChannelInfo, where: str) -> None:
    formats = {part.name: part for part in info.content_formats}
    for content in campaign.contents.values():
        place = f"{where}: {content.name}"
        for name, text in content.parts.items():
            if name not in formats:
                mend = f"it takes: {', '.join(formats) or 'none'}"
                raise BadInput(f"the channel {info.name} takes no part {name}", where=place, mend=mend)
            most = formats[name].max_chars
            if most is not None and len(text) > most:
                what = f"{name} has {len(text):,} characters, the channel takes {most:,}"
                raise BadInput(what, where=place, mend="shorten it")
        for name, part in formats.items():
            if part.required and name not in content.parts:
                raise BadInput(f"the part {name} is missing", where=place, mend=f'write it there: {name} = "…"')


def _terms(ctx: Context, log: Log, campaign: Campaign) -> ExperimentTerms | None:
    if campaign.experiment is None:
        return None
    where = f"campaigns/{campaign.name}.toml"
    terms = ctx.assigner.terms(campaign.experiment)
    if not terms.started:
        mend = f"start it: imp experiment start {terms.name}"
        raise CheckFailed(f"the experiment {terms.name} has not been started", where=where, mend=mend)
    if campaign.variants != frozenset(terms.variants):
        mend = f"write a table [variants.NAME] for each of: {', '.join(terms.variants)}"
        raise BadInput("its variants are not the experiment's", where=where, mend=mend)
    with log.read() as reader:
        for entry in reader.system_entries("send-intent"):
            same = all(entry.fields.get(name) == getattr(campaign, name) for name in ("channel", "step"))
            began = same and entry.fields.get("campaign") == campaign.name
            if began and entry.fields.get("definition") != campaign.sha256:
                mend = "put back what was sent at first; what is said otherwise is another step, or another campaign"
                raise CheckFailed("the campaign has changed since its experiment began", where=where, mend=mend)
    return terms


def _checked(row: AudienceRow) -> AudienceRow | RowFault:
    try:
        normalise(row.person)
        if row.address is not None:
            normalise(row.address)
    except BadInput as error:
        return RowFault(row=row.row, field="identifier", problem=error.what)
    return row


def _planned(plan: Plan) -> PlanResult:
    return PlanResult(
        messages=plan.messages,
        cost=None if plan.cost is None else str(plan.cost),
        currency=plan.currency,
        previews=tuple(PreviewResult(content=item.content, parts=dict(item.parts)) for item in plan.previews),
        warnings=tuple(plan.warnings),
    )
