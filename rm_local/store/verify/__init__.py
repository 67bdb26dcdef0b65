"""Verifies a store: reads all of it and names what is damaged."""
