"""The arguments of a bulk build that a resumed build must repeat."""

from __future__ import annotations

from dataclasses import dataclass

from rm_local.store.format import EmbedderId

BULK_LEVEL = 3
"""Default zstandard level for texts in a bulk build: over 100,000 entries/s on one core, where
level 12 reaches 8,000."""


@dataclass(frozen=True)
class BuildSpec:
    """Arguments of a bulk build, saved in its folder: it is resumed only with the same ones."""

    rows: int
    fingerprint: str
    embedder: EmbedderId
    clusters: int
    seed: int
    level: int
    """zstandard level at which the build compresses the entries' texts."""
    first: int
    """Id that the first entry of the built store gets."""

    @property
    def last_id(self) -> int:
        """Id that the last entry of the built store gets."""
        return self.first + self.rows - 1
