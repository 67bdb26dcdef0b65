"""Entries made for measuring: real sentences, embedded, varied and combined."""
