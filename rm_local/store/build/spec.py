"""What a bulk build is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from rm_local.store.format import EmbedderId

BULK_LEVEL = 3
"""Of zstandard: 100,000 rows/s and more on one core, where level 12 makes 8,000 (STORE 4)."""


@dataclass(frozen=True)
class Plan:
    """What a build must not change while it is under way."""

    rows: int
    fingerprint: str
    embedder: EmbedderId
    clusters: int
    seed: int
    level: int
    """Of zstandard, for the texts."""
    first: int
    """Id of the first entry."""

    @property
    def last(self) -> int:
        """Id of the last entry."""
        return self.first + self.rows - 1
