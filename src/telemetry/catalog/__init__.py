"""The catalogue: organizations, stations, datastreams, limits and station keys."""
