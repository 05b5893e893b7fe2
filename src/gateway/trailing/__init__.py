"""What only the whole service can do for the trail: sum up days, tell the head, explain what was changed."""
