"""From frames to `Moments`: the only files that touch a table."""
