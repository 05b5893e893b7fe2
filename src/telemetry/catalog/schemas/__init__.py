"""The bodies that the catalogue's interface reads and writes."""
