"""Alerts, their rules and windows over HTTP."""
