"""What people and the clock do with alerts and windows, and how alerts are listed and counted."""
