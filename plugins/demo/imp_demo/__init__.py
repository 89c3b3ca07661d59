"""`imp demo`: the main job end to end on generated data."""
