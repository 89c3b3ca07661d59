"""Conformance tests for channel plugins: `TestSmsAcme = conformance(SmsAcme, fixtures=Fixtures(…))`."""

from imp_testkit.fixtures import Fixtures, Inbound
from imp_testkit.httpsink import HttpSink
from imp_testkit.peer import Fault, Peer, Seen
from imp_testkit.suite import conformance

__all__ = ["Fault", "Fixtures", "HttpSink", "Inbound", "Peer", "Seen", "conformance"]
