"""Signed deliveries over HTTPS to receivers outside."""
