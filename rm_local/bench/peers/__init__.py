"""Other vector indexes (peers), compared with the store on the same rows: docs/measurements/peers.md."""
