"""Maintenance and calibration windows: their life, their rows and their bodies."""
