"""The prompt of a turn, and what happens when the context is full."""
