"""What the law asks, as pure rules: purposes, notices, the fold of a person's entries, the reasons of decisions."""
