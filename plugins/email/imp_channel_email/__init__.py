"""IMP's `email` channel: messages by SMTP, bounces and complaints from a mailbox. Only imp_core is above it."""
