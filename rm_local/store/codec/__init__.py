"""Vectors to codes and texts to compressed blocks, and back. Pure functions over bytes."""
