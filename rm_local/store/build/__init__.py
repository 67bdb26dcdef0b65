"""Builds a large store at once: sample, train, spill by cluster, write in order, finalize."""
