"""Settings and secrets together: what a batch needs before it meets a server."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from imp_channel_email.settings import WHERE, Security, Settings, read_settings
from imp_channel_email.sign import KEY_VARIABLE, Signer, read_key
from imp_core.channel import ChannelContext, DeliveryContext
from imp_core.errors import BadInput

__all__ = ["Setup", "read_setup"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Checked settings, credentials (None: the server asks for none), and what secures and signs."""

    settings: Settings
    tls: ssl.SSLContext | None
    signer: Signer | None
    username: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)


def read_setup(ctx: ChannelContext | DeliveryContext) -> Setup:
    """Check settings and secrets; reads the key and the certificates they name, and connects to nothing.

    Raises:
        BadInput: a setting, a secret or a file is missing or not what it must be.
    """
    settings = read_settings(ctx.settings)
    username, password = ctx.secrets.get("username"), ctx.secrets.get("password")
    if bool(username) != bool(password):
        raise BadInput(
            "of IMP_EMAIL_USERNAME and IMP_EMAIL_PASSWORD only one is set", where="environment", mend="set both"
        )
    if "\0" in f"{username}{password}":
        raise BadInput("the credentials hold a null character", where="environment")
    return Setup(
        settings=settings,
        tls=None if settings.security is Security.NONE else _tls(settings.ca_file),
        signer=_signer(settings, ctx.secrets.get("dkim_key")),
        username=username or None,
        password=password or "",
    )


def _signer(settings: Settings, path: str | None) -> Signer | None:
    if settings.dkim_domain is None or settings.dkim_selector is None:
        if path:
            raise BadInput(f"{KEY_VARIABLE} is set without dkim_domain and dkim_selector", where=WHERE)
        return None
    if not path:
        raise BadInput(
            "dkim_domain is set, and there is no key to sign with",
            where=WHERE,
            mend=f"set {KEY_VARIABLE} to the path of a PEM file",
        )
    return Signer(key=read_key(Path(path)), domain=settings.dkim_domain, selector=settings.dkim_selector)


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError):
        raise BadInput("ca_file holds no certificates in PEM", where=WHERE) from None
