"""Recall, latency, memory and build rate of a store, compared with exact search."""
