"""What a race comes to: figures, ratios, a table, JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

RATIOS = ("warm_p50_ms", "warm_p95_ms", "memory_mb", "bytes", "build_rows_per_s")
"""Figures of which the store's is divided by the peer's."""

COLUMNS = ("recall@10", "p50 ms", "p95 ms", "memory MB", "disk MB", "rows/s built")
NOTE = "(in brackets: the store's figure as a multiple of the peer's)"


@dataclass(frozen=True)
class PeerResult:
    """One index's figures: the store's, or a peer's."""

    name: str
    recall_at_10: float
    """Against exact float32 search over all rows."""
    warm_p50_ms: float
    """Of one query on one thread, asked before."""
    warm_p95_ms: float
    memory_mb: float | None
    """Resident memory (VmRSS) that opening and searching added to a process that had imported the
    library; pages of mapped files count. None where the system does not tell."""
    bytes: int
    """On disk."""
    build_rows_per_s: float
    setting: str = ""
    """Where its dial stood."""
    queries: int | None = None
    """How many were asked, where a slow index was not asked all."""
    cores: float | None = None
    """Processor time over time passed while searching: above 1 it used more than one thread."""
    reached: bool = True
    """Whether its recall is at least the store's; if not, its dial could be turned no further."""


@dataclass(frozen=True)
class SkippedPeer:
    """A peer without figures."""

    name: str
    why: str


@dataclass(frozen=True)
class PeerComparison:
    """The store and its peers on the same rows."""

    rows: int
    store: PeerResult
    peers: tuple[PeerResult, ...]
    left: tuple[SkippedPeer, ...]

    def data(self) -> dict[str, Any]:
        """For JSON: each peer with `ratios`, the store's figure over the peer's."""
        peers = [{**asdict(peer), "ratios": self.ratios(peer)} for peer in self.peers]
        left = [asdict(each) for each in self.left]
        return {"rows": self.rows, "store": asdict(self.store), "peers": peers, "left": left}

    def ratios(self, peer: PeerResult) -> dict[str, float | None]:
        """The store's figure over the peer's; None where one is not known or nothing."""
        return {name: _ratio(getattr(self.store, name), getattr(peer, name)) for name in RATIOS}

    def table(self) -> str:
        """A line for each index, then why any were left out."""
        names = [self.store.name, *(peer.name for peer in self.peers)]
        wide = max(map(len, names))
        lines = [" " * wide + "".join(f"{column:>18}" for column in COLUMNS) + "  dial"]
        lines.append(_line(self.store, wide, {}))
        lines += [_line(peer, wide, self.ratios(peer)) for peer in self.peers]
        lines += [NOTE] if self.peers else []
        lines += [f"{each.name}: {each.why}" for each in self.left]
        return "\n".join(line.rstrip() for line in lines)


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return float(f"{ours / theirs:.3g}") if ours and theirs else None


def _line(result: PeerResult, wide: int, ratios: dict[str, float | None]) -> str:
    megabytes = result.bytes / 1e6
    memory = "?" if result.memory_mb is None else f"{result.memory_mb:,.0f}"
    cells = [
        f"{result.recall_at_10:.3f}",
        f"{result.warm_p50_ms:,.2f}" + _bracket(ratios.get("warm_p50_ms")),
        f"{result.warm_p95_ms:,.2f}" + _bracket(ratios.get("warm_p95_ms")),
        memory + _bracket(ratios.get("memory_mb")),
        f"{megabytes:,.0f}" + _bracket(ratios.get("bytes")),
        f"{result.build_rows_per_s:,.0f}" + _bracket(ratios.get("build_rows_per_s")),
    ]
    notes = [result.setting] if result.setting else []
    notes += [] if result.reached else ["recall not reached"]
    notes += [] if result.queries is None else [f"{result.queries} queries"]
    if result.cores is not None and result.cores > 1.1:
        notes.append(f"{result.cores:.1f} cores")
    return f"{result.name:<{wide}}" + "".join(f"{c:>18}" for c in cells) + "  " + ", ".join(notes)


def _bracket(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f" ({ratio:,.0f}x)" if ratio >= 100 else f" ({ratio:.2g}x)"
