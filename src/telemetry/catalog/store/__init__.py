"""The catalogue's rows: the only modules beside loading that see its SQL."""
