"""Small excerpts of real series with their mappings; the README beside them names source and licence."""
