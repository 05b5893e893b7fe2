"""Who people and programs are, how they show it, and what they did."""
