"""Quality checks on columns of readings, without any I/O."""
