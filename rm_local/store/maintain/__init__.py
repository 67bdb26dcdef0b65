"""Keeping a store in shape in idle time: a module for each kind of work, `tidier` for all."""
