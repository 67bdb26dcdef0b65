"""Makes new stores from the entries of others (compact, merge), and compares two stores."""
