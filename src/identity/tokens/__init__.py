"""Tokens of programs: personal ones, which act for a person, and service tokens, which have grants of their own."""
