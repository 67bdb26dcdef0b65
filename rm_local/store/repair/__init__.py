"""Repair of a damaged store: writes a new one with all readable entries."""
