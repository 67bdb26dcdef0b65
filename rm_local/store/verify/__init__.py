"""Reads all of a store and names what is damaged."""
