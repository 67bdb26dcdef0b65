"""Models of the Hugging Face hub: a catalog, references to models, downloads, the local cache."""
