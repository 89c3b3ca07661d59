"""The answer: compared, judged, written down and shown."""
