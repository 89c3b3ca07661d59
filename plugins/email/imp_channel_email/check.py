"""Whether the channel could send now: everything but a message."""

from __future__ import annotations

from imp_channel_email.faults import ConnectionLost
from imp_channel_email.session import ADVICE, Session
from imp_channel_email.setup import Setup, read_setup
from imp_core.channel import ChannelContext, ChannelError, CheckResult
from imp_core.errors import BadInput

__all__ = ["check_server"]


def check_server(ctx: ChannelContext) -> CheckResult:
    """Connect, secure, log in, ask whether the server is there, and leave."""
    try:
        setup = read_setup(ctx)
    except BadInput as error:
        return CheckResult(ok=False, detail=str(error))
    where = f"{setup.settings.host}:{setup.settings.port}"
    try:
        return CheckResult(ok=True, detail=f"{where} answers, {_meet(setup)}")
    except ChannelError as error:
        advice = ADVICE.get(error.code) or error.mend or "the server said no; its manual knows the code"
        return CheckResult(ok=False, detail=f"{where}: {error.code}: {advice}")
    except ConnectionLost:
        return CheckResult(ok=False, detail=f"{where}: connection-lost: {ADVICE['connection-lost']}")


def _meet(setup: Setup) -> str:
    session = Session.open(setup)
    try:
        session.noop()
        return ", ".join(
            (
                session.protection,
                "without credentials" if setup.username is None else "logged in",
                "messages are not signed" if setup.signer is None else "the DKIM key can be read",
            )
        )
    finally:
        session.close()
