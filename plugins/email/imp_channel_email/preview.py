"""What a batch would look like, with made-up fields: no address and no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imp_channel_email.compose import Composer, needs_link
from imp_channel_email.faults import Unsendable
from imp_channel_email.settings import WHERE
from imp_channel_email.setup import Setup
from imp_channel_email.template import Message, Rendered
from imp_core.channel import Batch, PayloadInvalid, Plan, Preview

__all__ = ["plan_batch"]

_LONG_SUBJECT = 78  # what many programs show, and RFC 5322's line
_MEND = {
    "field-missing": "it uses a field that the rows do not have: name it in the campaign's fields",
    "subject-empty": "its subject comes out empty",
    "template": "it compares or changes a field as it cannot be",
    "message-too-long": "it comes out too long",
}


def plan_batch(setup: Setup, batch: Batch, messages: Mapping[str, Message], *, now_us: int) -> Plan:
    """Render every content, and look at it and at the settings with a stranger's eye.

    Raises:
        PayloadInvalid: a content cannot be sent, or its purpose needs a way out that the settings do not have.
    """
    if needs_link(batch.purpose) and setup.settings.unsubscribe_url is None:
        raise PayloadInvalid("unsubscribe-missing", mend=f"{batch.purpose} needs unsubscribe_url in {WHERE}")
    composer = Composer(settings=setup.settings, signer=setup.signer, batch=batch, now_us=now_us)
    declared = {name for row in batch.rows for name in row.fields}
    previews, warnings = [], list(_about_settings(setup, batch.purpose))
    for name, message in messages.items():
        # Without rows there is nobody to ask which fields there are.
        made_up = {field: f"‹{field}›" for field in message.names if field in declared or not batch.rows}
        rendered = _render(composer, name, message, made_up)
        parts = {"subject": rendered.subject, "text": rendered.text, "html": rendered.html}
        previews.append(Preview(content=name, parts={key: part for key, part in parts.items() if part is not None}))
        warnings += _about_content(name, message, rendered, marketing=needs_link(batch.purpose))
    return Plan(messages=len(batch.rows), previews=previews, warnings=warnings)


def _render(composer: Composer, name: str, message: Message, fields: Mapping[str, str]) -> Rendered:
    try:
        link = composer.link("TOKEN")
        rendered = composer.signed_off(message.render(fields, link))
        composer.compose(rendered, key="preview", link=link, token="TOKEN")  # noqa: S106 (made up, as the fields are)
    except Unsendable as fault:
        problem = _MEND.get(fault.code, "it cannot be rendered")
        raise PayloadInvalid(fault.code, mend=f"look at the content {name!a}: {problem}") from None
    return rendered


def _about_settings(setup: Setup, purpose: str) -> Iterator[str]:
    settings = setup.settings
    if not needs_link(purpose):
        return
    if settings.dkim_domain is None:
        yield "messages are not signed: without DKIM large receivers refuse mailings; set dkim_domain"
    elif not f".{settings.sender.domain}".endswith(f".{settings.dkim_domain}"):
        yield "the sender's domain is not dkim_domain nor below it: DMARC will not count the signature"
    if settings.imprint is None:
        yield "no imprint: many laws ask for the sender's postal address in advertising"


def _about_content(name: str, message: Message, rendered: Rendered, *, marketing: bool) -> Iterator[str]:
    if rendered.text is None:
        yield f"{name}: no text part: it is sent as HTML alone, which some programs do not show"
    if len(rendered.subject) > _LONG_SUBJECT:
        yield f"{name}: the subject is longer than {_LONG_SUBJECT} characters"
    if marketing and not message.linked:
        yield f"{name}: the content does not show unsubscribe_url; many programs have no button of their own"
