"""Stores from stores: compact, merge, and the difference of two."""
