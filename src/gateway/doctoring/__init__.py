"""Looks at a deployment as it stands and says what is wrong with it and what to do."""
