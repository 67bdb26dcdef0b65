"""Results of a comparison of the store with other indexes, as a table or as data for JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

RATIOS = ("warm_p50_ms", "warm_p95_ms", "memory_mb", "bytes", "build_rows_per_s")
"""Fields of `IndexBenchResult` for which a ratio, the store's value / the peer's, is computed."""

COLUMNS = ("recall@10", "p50 ms", "p95 ms", "memory MB", "disk MB", "rows/s built")
RATIO_NOTE = "(in brackets: the store's figure as a multiple of the peer's)"


@dataclass(frozen=True)
class IndexBenchResult:
    """Measured figures of one index: the store or a peer."""

    name: str
    recall_at_10: float
    """Share of the ten nearest rows by exact float32 search that the index finds."""
    warm_p50_ms: float
    """Time of one query on one thread, after all queries were searched once."""
    warm_p95_ms: float
    memory_mb: float | None
    """Resident memory (VmRSS) that opening and searching added to a process that had imported the
    library; pages of mapped files count. None where the system does not report it."""
    bytes: int
    """Size on disk."""
    build_rows_per_s: float
    setting: str = ""
    """Breadth and depth of the measured search."""
    queries: int | None = None
    """Number of queries measured if a slow index did not get all; else None."""
    cores: float | None = None
    """Processor time / elapsed time of the searches; above 1 if the index used several threads."""
    reached: bool = True
    """Whether its recall is at least the store's; False if no setting reached that."""


@dataclass(frozen=True)
class SkippedPeer:
    """A peer that was not measured, and the reason (`why`), a message for the user."""

    name: str
    why: str


@dataclass(frozen=True)
class PeerComparison:
    """Results of `compare_peers`: figures of the store and its peers on the same rows."""

    rows: int
    store: IndexBenchResult
    peers: tuple[IndexBenchResult, ...]
    skipped: tuple[SkippedPeer, ...]

    def to_json_dict(self) -> dict[str, Any]:
        """Return data for JSON. Each peer has `ratios`: the store's figure / the peer's."""
        peers = [
            {**asdict(peer), "ratios": self.compute_store_to_peer_ratios(peer)}
            for peer in self.peers
        ]
        skipped = [asdict(each) for each in self.skipped]
        return {"rows": self.rows, "store": asdict(self.store), "peers": peers, "left": skipped}

    def compute_store_to_peer_ratios(self, peer: IndexBenchResult) -> dict[str, float | None]:
        """Return the ratios store / peer by field name; None if a value is unknown or zero."""
        return {
            name: _divide_or_none(getattr(self.store, name), getattr(peer, name)) for name in RATIOS
        }

    def format_table(self) -> str:
        """Format a table with a line for each index, followed by the skipped peers with reasons."""
        names = [self.store.name, *(peer.name for peer in self.peers)]
        wide = max(map(len, names))
        lines = [" " * wide + "".join(f"{column:>18}" for column in COLUMNS) + "  setting"]
        lines.append(_format_result_row(self.store, wide, {}))
        lines += [
            _format_result_row(peer, wide, self.compute_store_to_peer_ratios(peer))
            for peer in self.peers
        ]
        lines += [RATIO_NOTE] if self.peers else []
        lines += [f"{each.name}: {each.why}" for each in self.skipped]
        return "\n".join(line.rstrip() for line in lines)


def _divide_or_none(ours: float | None, theirs: float | None) -> float | None:
    """Return `ours` / `theirs`, to three digits; None if one of them is unknown or zero."""
    return float(f"{ours / theirs:.3g}") if ours and theirs else None


def _format_result_row(result: IndexBenchResult, wide: int, ratios: dict[str, float | None]) -> str:
    megabytes = result.bytes / 1e6
    memory = "?" if result.memory_mb is None else f"{result.memory_mb:,.0f}"
    cells = [
        f"{result.recall_at_10:.3f}",
        f"{result.warm_p50_ms:,.2f}" + _format_ratio_suffix_or_empty(ratios.get("warm_p50_ms")),
        f"{result.warm_p95_ms:,.2f}" + _format_ratio_suffix_or_empty(ratios.get("warm_p95_ms")),
        memory + _format_ratio_suffix_or_empty(ratios.get("memory_mb")),
        f"{megabytes:,.0f}" + _format_ratio_suffix_or_empty(ratios.get("bytes")),
        f"{result.build_rows_per_s:,.0f}"
        + _format_ratio_suffix_or_empty(ratios.get("build_rows_per_s")),
    ]
    notes = [result.setting] if result.setting else []
    notes += [] if result.reached else ["recall not reached"]
    notes += [] if result.queries is None else [f"{result.queries} queries"]
    if result.cores is not None and result.cores > 1.1:
        notes.append(f"{result.cores:.1f} cores")
    return f"{result.name:<{wide}}" + "".join(f"{c:>18}" for c in cells) + "  " + ", ".join(notes)


def _format_ratio_suffix_or_empty(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f" ({ratio:,.0f}x)" if ratio >= 100 else f" ({ratio:.2g}x)"
