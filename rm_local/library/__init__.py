"""The GGUF models on this machine: where they lie, what they are, what they need."""
