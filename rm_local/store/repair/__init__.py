"""A new store from what can be read of a damaged one."""
