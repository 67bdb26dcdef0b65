"""Build a store from entries in JSON Lines, as `rm-local store build` does, and search it.

`entries.jsonl` in this folder has the form: one object a line, with subproblem and subroutine.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from rm_local import EntryFilter, SearchRequest, Store
from rm_local.embed import find_or_download_embedder, load_shipped_static
from rm_local.ingest import build_from_files

ENTRIES = Path(__file__).with_name("entries.jsonl")


def main(files: list[Path], out: Path) -> None:
    """Build `out` from `files` with the static embedder; print the best entry of each search."""
    build_from_files(files, out, find_or_download_embedder("static"))
    embedder = load_shipped_static()
    with Store.open(out, embedder=embedder.id) as store:
        print(f"{store.count_entries()} entries")
        for text in ("my script takes minutes, why", "guess how many"):
            vector = embedder.embed([text])[0]
            for hit in store.search(SearchRequest(vector, text, k=1)):
                print(f"{text}: {hit.entry.subproblem}")
        proofs = SearchRequest(vector, "", k=1, filter=EntryFilter(domain="math"))
        print(f"in math alone: {store.search(proofs)[0].entry.subproblem}")


if __name__ == "__main__":
    given = [Path(each) for each in sys.argv[1:]] or [ENTRIES]
    with tempfile.TemporaryDirectory() as made:
        main(given, Path(made) / "example.rms")
