"""The demo's campaign: three versions of one e-mail, sent in waves past the gate to a mail server of its own."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from imp_consent.commands.send import send
from imp_core.errors import ImpError
from imp_core.plugin_commands import enable
from imp_demo.result import Mailing
from imp_demo.shop import EMAIL_TEST, Customer
from imp_demo.sink import HOST, Sink
from imp_demo.stage import Stage

__all__ = ["SUBJECTS", "WAVES", "prepare_mailing", "send_wave", "settle_mailing"]

WAVES: Final = (3, 9, 15, 21, 27, 33, 39)  # days
SUBJECTS: Final = {
    "plain": "Our spring catalogue",
    "question": "Ready for spring?",
    "offer": "10 % off: our spring catalogue",
}
_CAMPAIGN: Final = f"""\
channel = "email"
purpose = "marketing.email"
experiment = "{EMAIL_TEST}"
fields = ["first_name"]
"""
_CONTENT: Final = """
[variants.{variant}]
subject = "{subject}"
text = "Hello {{{{ first_name }}}}, our spring catalogue is here."
"""
_SETTINGS: Final = """
[channels.email]  # the mail server of the demo, which is gone when the demo ends
host = "{host}"
port = {port}
security = "none"
sender = "Demo Shop <news@shop.example>"
unsubscribe_url = "https://shop.example/unsubscribe"
connections = 4
"""


def prepare_mailing(stage: Stage, sink: Sink) -> None:
    """Write the campaign and the channel's settings, and enable the channel."""
    root = stage.ctx.workspace.root
    (root / "campaigns").mkdir()
    contents = (_CONTENT.format(variant=variant, subject=subject) for variant, subject in SUBJECTS.items())
    (root / "campaigns" / f"{EMAIL_TEST}.toml").write_text(_CAMPAIGN + "".join(contents), encoding="utf-8")
    with (root / "imp.toml").open("a", encoding="utf-8") as file:
        file.write(_SETTINGS.format(host=HOST, port=sink.port))
    stage.ctx.reload_workspace()
    enable(stage.ctx, "email")


def send_wave(stage: Stage, people: Sequence[Customer], mailing: Mailing) -> Mailing:
    """Send to these now, permitted or not: that is for the gate to say. Returns the mailing with this wave added.

    Raises:
        ImpError: whatever the command refuses, or a send that was not completed.
    """
    path = stage.inputs / "audience.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("identifier", "email", "first_name"))
        writer.writerows((person.identifier, f"{person.member.lower()}@example.com", "Sam") for person in people)
    sent = send(stage.ctx, "email", path, EMAIL_TEST, execute=True)
    path.unlink()
    if not sent.complete:
        raise ImpError("the demo's e-mails were not all sent", mend="; ".join(sent.problems) or None)
    return Mailing(
        waves=mailing.waves + 1,
        audience=mailing.audience + sent.audience,
        refused=dict(Counter(mailing.refused) + Counter(sent.refused)),
        sent=dict(Counter(mailing.sent) + Counter(sent.sent)),
        contents=dict(Counter(mailing.contents) + Counter(sent.contents)),
        exposed=mailing.exposed + sent.exposed,
    )


def settle_mailing(mailing: Mailing, sink: Sink) -> Mailing:
    """The mailing with what the mail server counted.

    Raises:
        ImpError: it counted something else than was sent.
    """
    counted = sink.stop()
    received = {variant: counted.get(subject, 0) for variant, subject in SUBJECTS.items()}
    if received != dict(mailing.contents) or sum(counted.values()) != sum(received.values()):
        raise ImpError("the mail server counted other messages than were sent")
    return replace(mailing, received=received)
