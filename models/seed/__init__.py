"""The shipped seed store: its entries, their checks, and its build."""
