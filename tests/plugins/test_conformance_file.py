"""The channel `file` keeps the contract of channels."""

from __future__ import annotations

from imp_channel_file.channel import FileChannel
from imp_core.event import EventType
from imp_testkit import Fixtures, Inbound, conformance

EVENTS = b"""\
type,identifier,at,purpose,id,channel,name,amount,currency
touchpoint,member:1001,2026-03-01T09:30:00+08:00,analytics,m1,email,,,
outcome,email:ann@example.com,2026-03-01T10:05:00+08:00,analytics,m2,shop,order,199.90,CNY
outcome,member:1002,yesterday,analytics,m3,shop,order,49.00,CNY
"""
LINES = """\
{"type": "touchpoint", "identifier": "member:会员7", "at": "2026-03-01T09:30:00Z", "purpose": "analytics", "id": "j1"}
""".encode()
ORDERS = "会员手机;时间;金额\n+8613800138000;2026-03-01T09:30:00+08:00;12,5\n+8613800138001;;3\n".encode("gb18030")
ORDERS_MAPPING = """\
[file]
encoding = "gb18030"
delimiter = ";"

[identifier]
kind = "phone"
column = "会员手机"

[defaults]
type = "outcome"
purpose = "analytics"
name = "order"

[columns]
at = "时间"
""".encode()
SPEND = b"Day,Campaign,Cost\n2026-03-01,spring,12.50\n2026-03-02,spring,0.1\n2026-03-03,spring,much\n"
SPEND_MAPPING = b"""\
[spend]
day = "Day"
campaign = "Campaign"
cost = "Cost"

[defaults]
currency = "EUR"

[format]
day = "YYYY-MM-DD"
"""

TestFile = conformance(
    FileChannel,
    fixtures=Fixtures(
        package="imp_channel_file",
        inbound=[
            Inbound(name="events.csv", content=EVENTS, expects=[EventType.TOUCHPOINT, EventType.OUTCOME], faults=1),
            Inbound(name="events.jsonl", content=LINES, expects=[EventType.TOUCHPOINT]),
            Inbound(name="orders.csv", content=ORDERS, expects=[EventType.OUTCOME], faults=1, mapping=ORDERS_MAPPING),
        ],
        spend=[Inbound(name="spend.csv", content=SPEND, faults=1, mapping=SPEND_MAPPING)],
    ),
)
