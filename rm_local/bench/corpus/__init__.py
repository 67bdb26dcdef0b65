"""Synthetic entries to measure with, composed of real sentences and their embeddings."""
