"""Other vector indexes on the store's rows, compared with it: docs/measurements/peers.md."""
