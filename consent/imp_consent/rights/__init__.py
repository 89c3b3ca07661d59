"""What a person may ask for: their own data, portability, requests with their clocks, whom to tell (GDPR 12-22)."""
