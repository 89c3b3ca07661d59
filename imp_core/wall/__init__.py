"""The wall around whatever runs of a plugin: where it may connect to, what it may print, and how long it may take.

It holds mistakes back and leaves a trail. It does not contain hostile code: that runs in the same process and can reach
everything in it (`docs/threat-model.md`).
"""
