"""Statistics, pure on `Moments`: one method a file."""
