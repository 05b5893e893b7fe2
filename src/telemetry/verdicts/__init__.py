"""Averages judged against the limits that held at the time, and judged again when late data or limits change them."""
