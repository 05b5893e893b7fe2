"""Composition root: settings, application, processes, command line, embedded stack."""
