"""Mails to people, at once or gathered, and not in their quiet hours."""
