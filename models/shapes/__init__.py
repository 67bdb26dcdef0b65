"""GGUF files in the shapes of published models with random weights, to measure speed and memory."""
