"""Encoding of vectors as codes and of texts as compressed blocks. Pure functions over bytes."""
