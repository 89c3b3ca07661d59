"""Experiments that never were: a definition's looks and decision, run on drawn data and judged as readouts judge."""
