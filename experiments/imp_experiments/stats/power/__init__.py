"""Planning before the first unit enters: power, units, the minimum detectable effect, days. Pure.

What is planned is the test that is run (`stats/welch.py`): the difference of means, or the log of their ratio by the
delta method, with Welch's standard error. `Baseline` says what the units look like, `Setting` how two variants will
be compared; `power`, `units` and `mde` each solve for one of the three.

There is nothing here for a Bayesian readout: it has no error rate to plan for. Plan for the test that decides.
"""
