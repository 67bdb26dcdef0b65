"""Makes stores from stores (compact, merge) and compares two."""
