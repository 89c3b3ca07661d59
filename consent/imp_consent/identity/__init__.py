"""From an identifier as a channel knows it to a keyed pseudonym; and the keys."""
