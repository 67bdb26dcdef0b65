"""The largest values of options and plans: far above what is useful, and below what does harm."""

from __future__ import annotations

MOST_BRANCHES = 256
"""Samples and hints of a turn. The time for a branch grows with their number: with 1,000 a turn
exceeds a time limit of seconds."""
MOST_TOKENS = 1 << 20
"""Tokens of a branch, as of the largest context."""
MOST_SECONDS = 7 * 24 * 3600
MOST_MINUTES = MOST_SECONDS // 60
HIGHEST_TEMPERATURE = 100
LARGEST_SEED = (1 << 63) - 1
MOST_ROUNDS = 10_000
"""Rounds of a measurement."""
MOST_SENTENCES = 10_000_000
"""Sentences of a synthetic corpus."""
MOST_DIMENSIONS = 1 << 16
"""Components of a vector."""
