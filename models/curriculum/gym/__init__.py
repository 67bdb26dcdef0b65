"""Measurement of a model on 12 generators of reasoning-gym, problems written by others."""
