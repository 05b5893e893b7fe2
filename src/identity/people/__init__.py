"""People of the centre and of the enterprises, and what they were given."""
