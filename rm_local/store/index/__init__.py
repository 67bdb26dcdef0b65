"""Search: clusters of codes, rare words, pending entries, and the selection of hits."""
