"""The verbs of `imp experiment`: plain functions, and thin click wrappers around them."""
