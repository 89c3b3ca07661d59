"""Asking a channel for its report, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from imp_consent.plane.spend.page import spend_page
from imp_core.channel import ChannelContext, Retryable, SpendPage, Window
from imp_core.errors import PluginBroken
from imp_core.outbound.backoff import Backoff
from imp_core.outbound.runner import ChannelRunner
from imp_core.stopwatch import Stopwatch

__all__ = ["fetch_pages"]

_ATTEMPTS: Final = 4
_MOST_PAGES: Final = 100_000


def fetch_pages(
    runner: ChannelRunner, context: ChannelContext, window: Window, *, stopwatch: Stopwatch, backoff: Backoff
) -> Iterator[SpendPage]:
    """Every page; one that could not be had now is asked for again, four times at most.

    Raises:
        ChannelError: the peer prevents it; a `Retryable` after the last attempt.
        BadInput: the source as a whole cannot be read.
        PluginBroken: the channel raised something else, did not answer in time, answered something else than a page,
            or comes to no end.
    """
    cursor: str | None = None
    seen: set[str] = set()
    while len(seen) < _MOST_PAGES:
        page = _page(runner, context, window, cursor, stopwatch=stopwatch, backoff=backoff)
        yield page
        cursor = page.cursor
        if cursor is None:
            return
        if cursor in seen:
            break
        seen.add(cursor)
    raise PluginBroken("its report comes to no end", where=runner.name)


def _page(
    runner: ChannelRunner,
    context: ChannelContext,
    window: Window,
    cursor: str | None,
    *,
    stopwatch: Stopwatch,
    backoff: Backoff,
) -> SpendPage:
    for attempt in range(1, _ATTEMPTS):
        try:
            return _asked(runner, context, window, cursor)
        except Retryable as error:
            stopwatch.sleep(backoff.delay(attempt, error.after))
    return _asked(runner, context, window, cursor)


def _asked(runner: ChannelRunner, context: ChannelContext, window: Window, cursor: str | None) -> SpendPage:
    page: SpendPage = runner.call("report", context, window, cursor, take=spend_page)
    return page
