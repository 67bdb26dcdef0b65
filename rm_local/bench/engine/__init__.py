"""Tokens per second of the engine, compared with a bare loop over llama.cpp."""
