"""The models on this machine, what they are and need, and those that can be fetched."""
