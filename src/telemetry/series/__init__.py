"""Observations and what is said of them, read back."""
