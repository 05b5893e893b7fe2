"""What was received and what became of it: receipts, quarantine, conflicts, replay."""
