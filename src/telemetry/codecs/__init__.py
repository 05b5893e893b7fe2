"""Formats in which stations report: bytes to columns, without any I/O."""
