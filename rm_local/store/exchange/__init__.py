"""Entries in and out as JSON Lines, compressed or not, from files or pipes."""
