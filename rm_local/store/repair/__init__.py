"""Repairs a damaged store: writes a new one from what can be read."""
