"""Trains rm-small's adapter for SmolLM2-135M-Instruct."""
