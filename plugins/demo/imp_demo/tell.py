"""The demo as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from imp_demo.result import ArmResult, DemoResult

__all__ = ["format_demo"]


def format_demo(result: DemoResult) -> str:
    """The whole demo, chapter by chapter."""
    chapters = [
        _consent(result),
        _mailing(result),
        _intake(result),
        _email_test(result),
        _broken(result),
        _leaving(result),
        _proof(result),
        _on(result),
    ]
    head = f"imp demo: generated data, nobody real (seed {result.seed})"
    return "\n\n".join([head, *("\n".join(chapter) for chapter in chapters)])


def _consent(result: DemoResult) -> list[str]:
    out = [f"1. Consent: {result.consent.people:,} customers were asked"]
    for purpose, reasons in result.consent.by_purpose.items():
        told = ", ".join(f"{name} {n:,}" for name, n in sorted(reasons.items(), key=lambda item: -item[1]))
        out.append(f"   {purpose:<16} {told}")
    return out


def _mailing(result: DemoResult) -> list[str]:
    mailing = result.mailing
    total = sum(mailing.sent.values())
    return [
        f"2. E-mail in {mailing.waves} waves to {mailing.audience:,} people: {total:,} sent, each at most once",
        f"   refused at the gate: {_counts(mailing.refused)}",
        f"   a mail server on this machine counted and forgot {_counts(mailing.received)}",
        "   (plain goes to those too who permit e-mail but not the experiment: they leave no trace in it)",
    ]


def _intake(result: DemoResult) -> list[str]:
    intake = result.intake
    return [
        f"3. Six weeks of events in {intake.files} files: {intake.received:,} offered, {intake.admitted:,} admitted",
        f"   refused at the gate, nothing stored: {_counts(intake.denied)}",
    ]


def _email_test(result: DemoResult) -> list[str]:
    test = result.email_test
    return [
        f"4. Three-arm e-mail test: {test.verdict} ({test.reason})",
        f"   {'metric':<12} {'variant':<10} {'units':>6} {'planted':>8} {'estimated':>10}  {'95 % interval':<20} p",
        *(_arm(arm) for arm in test.arms),
        "   store-visit is the A/A metric: nothing was planted, it should be flat",
        f"   units: {_some(test.matured)} matured, {_some(test.immature)} not yet (their two weeks are not over)",
        f"   sample ratio: p = {_ratio(test.srm_p_value)}; left out: {_counts(test.excluded)}",
    ]


def _arm(arm: ArmResult) -> str:
    if arm.estimate is None or arm.low is None or arm.high is None:
        return f"   {arm.metric:<12} {arm.variant:<10} {_some(arm.n):>6} {arm.planted:>+8.1%} {'no estimate':>10}"
    interval = f"{arm.low:+.1%} to {arm.high:+.1%}"
    held = "holds the planted lift" if arm.covers else "misses the planted lift, as 1 in 20 does"
    return (
        f"   {arm.metric:<12} {arm.variant:<10} {_some(arm.n):>6} {arm.planted:>+8.1%} {arm.estimate:>+10.1%}"
        f"  {interval:<20} {_p(arm.p_value)}  {held}"
    )


def _broken(result: DemoResult) -> list[str]:
    broken = result.broken
    return [
        "5. An experiment whose page loses part of one variant's exposures",
        f"   {broken.verdict}: {broken.reason}; p = {_ratio(broken.srm_p_value)}",
    ]


def _leaving(result: DemoResult) -> list[str]:
    leaving = result.leaving
    return [
        f"6. {leaving.withdrew} people withdraw together (never so few that a difference would reveal them)",
        f"   one of them, asked of the gate: denied, {leaving.decision_after_withdrawal}; then erased:",
        f"   {leaving.leaves_unlinkable} entries can no longer be linked to anyone, "
        f"{leaving.rows_removed} rows removed, the gate says {leaving.decision_after_erasure}",
        f"   matured units before {_some(leaving.counted_before)}, after {_some(leaving.counted_after)};"
        f" left out: {_counts(leaving.excluded_after)}",
    ]


def _proof(result: DemoResult) -> list[str]:
    proof = result.proof
    shown = [f"   {line}" for line in proof.found[:3]]
    more = len(proof.found) - len(shown)
    return [
        f"7. The ledger: {proof.entries:,} entries, root {proof.root[:16]}…: everything agrees",
        f"   a copy with one bit flipped ({proof.flipped}): refused",
        *shown,
        *([f"   … and {more} more"] if more > 0 else []),
    ]


def _on(result: DemoResult) -> list[str]:
    return [
        f"Done in {result.seconds:.0f} s. Go on here:",
        f"   export IMP_HOME={result.workspace}",
        f"   export IMP_KEYS={result.keys}",
        "   imp status; imp experiment readout spring-email; imp audit verify",
        f"   the readout's file: {result.email_test.report}",
    ]


def _counts(counts: Mapping[str, int | None]) -> str:
    told = [f"{name} {_some(n)}" for name, n in sorted(counts.items()) if n != 0]
    return ", ".join(told) or "nobody"


def _some(n: int | None) -> str:
    return "fewer than k" if n is None else f"{n:,}"


def _ratio(value: float | None) -> str:
    # with counts below k among the totals, p would tell them
    return "not shown" if value is None else _p(value)


def _p(value: float | None) -> str:
    if value is None:
        return "not tested"
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"  # noqa: PLR2004 (below, three decimals say nothing)
