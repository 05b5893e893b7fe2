"""Finds in data and by the clock what is wrong, and makes the alerts what was found."""
