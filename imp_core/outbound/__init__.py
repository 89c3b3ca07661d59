"""How core calls a channel: contained, with a deadline, past the egress guard, and with addresses one at a time."""
