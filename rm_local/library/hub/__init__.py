"""Models of the Hugging Face hub: catalog, names, downloads, and the cache on this disk."""
