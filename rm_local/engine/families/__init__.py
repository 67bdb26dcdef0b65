"""Chat formats of model families: their detection, and the splitting of output at markers."""
