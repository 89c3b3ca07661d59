"""Looking at a running experiment without fooling oneself: alpha spending, boundaries, confidence sequences."""
