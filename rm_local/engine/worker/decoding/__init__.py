"""The hot path: a turn, its branches in one batch, their samplers, and statistics."""
