"""Pages for people: the network at a glance, and the HTTP interface explained. Plain files, nothing from elsewhere."""
