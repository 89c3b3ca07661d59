"""What people and their software say from outside, read strictly: each format is a small pure pair of its own."""
