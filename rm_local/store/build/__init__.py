"""Writing a large store in one go: sample, train, spill by cluster, write in order, finish."""
