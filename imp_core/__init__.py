"""IMP's vocabulary and plugin door: the protocols through which consent, experiments and channels meet."""

__version__ = "0.1.0"
