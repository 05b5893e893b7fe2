"""The catalogue's HTTP interface, one module for each resource."""
