"""Hugging Face: catalog, names, downloads, and the cache on this disk."""
