"""What was stored lately, by whom, and over which spans of time: the feed that judging and alerts follow."""
