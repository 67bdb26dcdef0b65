"""Shapes of published models with random weights, to measure speed and memory with."""
