"""Other vector indexes on the store's own rows, side by side with it: docs/peers.md."""
