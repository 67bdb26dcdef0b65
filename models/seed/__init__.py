"""The store that is shipped: its entries and its build."""
