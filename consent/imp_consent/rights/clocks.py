"""By when a request is to be answered: the clocks of the regimes in force, as data (GDPR 12(3), PIPL 50, CCPA §1798.130)."""
