"""A transparency log inside the application: append-only, Merkle-hashed, signed, and still erasable."""
