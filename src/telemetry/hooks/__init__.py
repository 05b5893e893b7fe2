"""Tells others: signed webhooks, e-mail and live events, each in its own time."""
