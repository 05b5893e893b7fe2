"""Live events for whoever keeps a connection open."""
