"""Converts the weights of all-MiniLM-L6-v2 to the shipped GGUF file."""
