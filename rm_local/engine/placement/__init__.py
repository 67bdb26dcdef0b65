"""Plans a model's memory: how much it needs, which layers go on which device. Pure functions."""
