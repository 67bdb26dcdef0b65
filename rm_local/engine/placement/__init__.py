"""Plans the memory of a model: how much it needs, and which layers go on which device."""
