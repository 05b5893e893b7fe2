"""Signing in with a password or a link, and the sessions that browsers keep afterwards, however they began."""
