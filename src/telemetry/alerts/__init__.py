"""What is wrong just now: rules, episodes in the data, and the life of an alert until it is cleared."""
