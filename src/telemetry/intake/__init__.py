"""From decoded submissions to committed rows and one outcome per reading."""
