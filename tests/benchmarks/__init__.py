"""Measurements of speed beside their physical limit; `make bench` runs them, `make test` does not."""
