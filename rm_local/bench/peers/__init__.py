"""Other vector indexes on the same rows as the store, compared with it: docs/peers.md."""
