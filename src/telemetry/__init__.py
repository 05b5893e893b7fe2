"""Stations and their readings: received, judged, kept and served."""
