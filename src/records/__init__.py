"""Procedures, water permits, land projects and indicators of the department."""
