"""Build the store that models are measured with: `python -m models.curriculum.build_store OUT.rms`.

It holds the entries of the seed store, one for each family of `families.toml`, and one for each
generator of reasoning-gym that is measured. all-MiniLM-L6-v2 embeds them, as for the seed store.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from models.curriculum.family_entries import list_family_entries
from models.curriculum.gym.entries import read_gym_entries
from models.seed.build import list_seed_entries
from rm_local.embed import find_or_download_embedder
from rm_local.errors import RmLocalError
from rm_local.ingest import build_from_files
from rm_local.records import Entry
from rm_local.store import format_entry_as_json_line


def list_measuring_entries() -> list[Entry]:
    """Return all entries of the store for measurements, in order."""
    return [*list_seed_entries(), *list_family_entries(), *read_gym_entries().values()]


def build_measuring_store(out: Path, entries: Sequence[Entry], embedder: str = "minilm") -> None:
    """Build the store `out` of the entries.

    Raises:
        StoreError, UsageError, EngineError: The store cannot be built.
    """
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "entries.jsonl"
        lines.write_bytes(b"".join(map(format_entry_as_json_line, entries)))
        build_from_files([lines], out, find_or_download_embedder(embedder))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m models.curriculum.build_store",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path)
    args = parser.parse_args(arguments)
    try:
        entries = list_measuring_entries()
        build_measuring_store(args.out, entries)
    except RmLocalError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for kind, count in sorted(Counter(e.source.split("/")[0] for e in entries).items()):
        print(f"{kind}: {count} entries")
    print(f"{args.out}: {len(entries)} entries, {args.out.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
