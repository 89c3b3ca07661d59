"""IMP's `file` channel: what happened elsewhere, read from files. Only imp_core is above it."""
