"""Training and measurement of rm-static, an embedder that is a table of one vector per piece."""
