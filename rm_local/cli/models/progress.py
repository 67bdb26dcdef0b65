"""How far a download is, on standard error."""

from __future__ import annotations

from rm_local.cli.store.progress import Teller, spelled


class Bytes(Teller):
    """Tells bytes as MB or GB, with their rate and the time that is left."""

    def _line(self, done: int, total: int | None, passed: float, left: float | None) -> str:
        parts = [gigabytes(done) if total is None else f"{gigabytes(done)} of {gigabytes(total)}"]
        if done > self._first and passed > 0:
            rate = (done - self._first) / passed
            parts.append(f"{rate / 1e6:,.1f} MB/s")
            if total is not None and done < total:
                parts.append(f"{spelled((total - done) / rate)} left")
        return f"{self._stage:<7} {', '.join(parts)}"


def gigabytes(count: int) -> str:
    """`4.70 GB`, `12.5 MB`, `900 bytes`."""
    if count >= 1_000_000_000:
        return f"{count / 1e9:,.2f} GB"
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count:,} bytes"
