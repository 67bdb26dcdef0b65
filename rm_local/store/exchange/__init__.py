"""Import and export of entries as JSON Lines: files or pipes, compressed or not."""
