"""Generation: the open turn, its branches in one batch, their samplers, and statistics."""
