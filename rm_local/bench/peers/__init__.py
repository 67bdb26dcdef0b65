"""Comparison of other vector indexes (peers) with the store: docs/measurements/peers.md."""
