"""A database and a broker out of package-index wheels, for one machine and no system package."""
