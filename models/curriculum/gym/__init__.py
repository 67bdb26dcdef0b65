"""How a model does on 12 generators of reasoning-gym: problems that others made, as they are."""
