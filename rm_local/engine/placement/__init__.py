"""How much memory a model needs, and which layers go on which device. Pure functions."""
