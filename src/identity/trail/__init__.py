"""The trail: what was changed by whom, chained by hashes, and the daily sums of what was measured."""
