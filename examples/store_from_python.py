"""Create a store, add entries, search it, change one, delete one.

Vectors come from rm-static, the embedder that is shipped as a table: no model is loaded.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from rm_local import Entry, SearchRequest, Store
from rm_local.embed import StaticEmbedder, load_shipped_static

ENTRIES = [
    Entry("How to add two fractions?", "I should find a common denominator first.", "math"),
    Entry("How to solve a quadratic equation?", "I should look at the discriminant.", "math"),
    Entry("How to find a memory leak?", "I should compare two heap snapshots.", "code"),
]


def main(folder: Path) -> None:
    """Write `folder`/example.rms and print what is found in it."""
    embedder = load_shipped_static()
    with Store.create(folder / "example.rms", embedder=embedder.id) as store:
        ids = store.add_entries(ENTRIES, embedder.embed([entry.subproblem for entry in ENTRIES]))
        print_hits(store, embedder, "adding fractions")

        better = Entry(ENTRIES[0].subproblem, "I should expand both fractions.", "math")
        store.replace_entry(ids[0], better, embedder.embed([better.subproblem])[0])
        store.delete_entries([ids[2]])
        print_hits(store, embedder, "adding fractions")
        print(f"{store.count_entries()} entries")


def print_hits(store: Store, embedder: StaticEmbedder, text: str) -> None:
    """Print the two nearest entries, best first."""
    for hit in store.search(SearchRequest(embedder.embed([text])[0], text, k=2)):
        print(f"{hit.similarity:.2f}  {hit.entry.subproblem}  {hit.entry.subroutine}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))
