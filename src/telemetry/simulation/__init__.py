"""Stations that are not there: the simulated network and the replay of real series."""
