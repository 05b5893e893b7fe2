"""How stations are let in: what each may send, where its keys are used, and how it fetches its first key."""
