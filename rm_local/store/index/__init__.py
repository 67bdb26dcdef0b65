"""Search: clusters of codes, rare words, entries not yet in a cluster, and the choice of hits."""
