"""Synthetic entries for benchmarks, composed of real sentences and their embeddings."""
