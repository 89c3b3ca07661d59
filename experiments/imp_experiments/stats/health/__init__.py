"""Health checks: may the figures be believed at all? One check a file, each pure on counts and summaries."""
