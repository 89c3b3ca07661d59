"""Conformance tests for channel plugins: `TestSmsAcme = conformance(SmsAcme, fixtures=Fixtures(…))`."""
