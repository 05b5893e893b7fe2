"""An alert: its states and moves, its title, its row, and how it is shown."""
