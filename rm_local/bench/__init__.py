"""Measuring the store, on entries made for it."""
