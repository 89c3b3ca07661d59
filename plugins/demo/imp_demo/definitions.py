"""The demo's two experiments, as files of the workspace."""

from __future__ import annotations

from typing import Final

from imp_demo.shop import AA_METRIC, BROKEN, EMAIL_TEST, WINDOW_DAYS

__all__ = ["banner_test", "email_test"]

_EMAIL: Final = """\
name = "{name}"
hypothesis = "A question or an offer in the subject line brings more people to the shop"
purpose = "experimentation"
unit = "subject"
salt = "{salt}"
namespace = "email-creative"
traffic = 1.0
trigger = "send.decided"
control = "plain"

[plan]
horizon = "{horizon}d"
alpha = 0.05

[[variants]]
name = "plain"
weight = 1
[[variants]]
name = "question"
weight = 1
[[variants]]
name = "offer"
weight = 1

[[metrics]]
name = "visit"
role = "primary"
kind = "proportion"
event = "visit"
value = "any"
where = {{ channel = "web" }}
window = "{window}d"

[[metrics]]
name = "revenue"
role = "secondary"
kind = "mean"
event = "order"
value = "amount"
window = "{window}d"

[[metrics]]
name = "{aa}"  # nothing was planted here: it should be flat
role = "secondary"
kind = "proportion"
event = "store.visit"
value = "any"
window = "{window}d"
"""

_BANNER: Final = """\
name = "{name}"
hypothesis = "A green banner is clicked more often"
purpose = "experimentation"
unit = "subject"
salt = "{salt}"
namespace = "web-banner"
traffic = 1.0
trigger = "page.decided"
control = "blue"

[plan]
horizon = "{horizon}d"

[[variants]]
name = "blue"
weight = 1
[[variants]]
name = "green"
weight = 1

[[metrics]]
name = "visit"
role = "primary"
kind = "proportion"
event = "visit"
value = "any"
window = "7d"
"""


def email_test(salt: str, horizon_days: int) -> str:
    """Three variants of one e-mail, with an A/A metric beside those that carry an effect."""
    return _EMAIL.format(name=EMAIL_TEST, salt=salt, horizon=horizon_days, window=WINDOW_DAYS, aa=AA_METRIC)


def banner_test(salt: str, horizon_days: int) -> str:
    """Two variants of a banner, of which the shop's page loses part of the exposures."""
    return _BANNER.format(name=BROKEN, salt=salt, horizon=horizon_days)
