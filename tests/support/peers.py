"""Peers for the race's tests: at module level, as they are sent to other processes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.bench.peers.peer_protocol import PeerSetting, VectorSource, iter_vector_blocks

DIMENSION = 16


@dataclass(frozen=True)
class Rows:
    """Random directions."""

    rows: int = 300
    block_rows: int = 128
    dimension: int = DIMENSION

    def make_vectors(self, number: int) -> Floats:
        """Block `number`."""
        count = min(self.block_rows, self.rows - number * self.block_rows)
        drawn = np.random.default_rng(number).normal(size=(count, self.dimension))
        return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), dtype=np.float32)


def everything(rows: VectorSource) -> Floats:
    """All rows, (n, d)."""
    return np.concatenate([block for _, block in iter_vector_blocks(rows)])


@dataclass(frozen=True)
class FakePeer:
    """Exact among its first `breadth` rows: recall rises with the breadth."""

    name: str = "fake"
    module_name: str = "json"
    pip_name: str = "fake-peer"
    breadth_name: str = "first"
    depths: tuple[int, ...] = (0,)

    def get_max_breadth(self, rows: int) -> int:
        """All rows."""
        return rows

    def build_index(self, rows: VectorSource, dimension: int, folder: Path, threads: int) -> None:
        """Write all rows."""
        np.save(folder / "rows.npy", everything(rows))

    def open_index(self, folder: Path, dimension: int) -> FakeSearcher:
        """Read all rows."""
        return FakeSearcher(np.load(folder / "rows.npy"))


class FakeSearcher:
    """Rows in memory."""

    def __init__(self, rows: Floats) -> None:
        self._rows = rows

    def search(self, query: Floats, k: int, setting: PeerSetting) -> Ids:
        """The best of the first `breadth` rows."""
        order = np.argsort(-(self._rows[: setting.breadth] @ query), kind="stable")
        return np.asarray(order[:k], dtype=np.int64)


@dataclass(frozen=True)
class RaisingPeer(FakePeer):
    """Cannot build."""

    name: str = "raising"

    def build_index(self, rows: VectorSource, dimension: int, folder: Path, threads: int) -> None:
        """Raise."""
        raise RuntimeError("no such index\nand more")


@dataclass(frozen=True)
class DyingPeer(FakePeer):
    """Takes its process with it."""

    name: str = "dying"

    def build_index(self, rows: VectorSource, dimension: int, folder: Path, threads: int) -> None:
        """Leave without a word, as an illegal instruction would."""
        os._exit(7)


@dataclass(frozen=True)
class EndlessPeer(FakePeer):
    """Never done."""

    name: str = "endless"

    def build_index(self, rows: VectorSource, dimension: int, folder: Path, threads: int) -> None:
        """Wait for what never comes."""
        Event().wait()
