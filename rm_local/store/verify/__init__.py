"""Verification of a store: reads all of it and reports its damage."""
