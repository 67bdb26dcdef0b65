"""Maintains a store in idle time: a module for each task, and `maintainer`, which runs them."""
