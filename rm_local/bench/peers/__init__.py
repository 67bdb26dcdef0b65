"""Other vector indexes on the store's own rows: docs/measurements/peers.md."""
