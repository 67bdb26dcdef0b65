"""The bulk build of a store: sample, train, spill rows by cluster, write them, finalize."""
