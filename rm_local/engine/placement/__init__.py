"""Plans the memory of a model: how many bytes it needs, and how many layers go on devices."""
