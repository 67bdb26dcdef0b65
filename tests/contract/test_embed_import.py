"""An import embeds with the store's own embedder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from rm_local.ingest.import_files import import_new_entries_from_files
from rm_local.paths import shipped_store
from rm_local.store.exchange.import_entries import ImportCounts
from rm_local.store.request import SearchRequest
from rm_local.store.store import Store


def test_entries_are_embedded_and_found_again(tmp_path: Path) -> None:
    """A new entry is the best hit for its own words; those of the seed store are there already."""
    path, file = tmp_path / "mine.rms", tmp_path / "new.jsonl"
    shutil.copy(shipped_store(), path)
    path.chmod(0o644)
    with Store.open(path) as store:
        known, count = store.sample_entries(20, 0), store.count_entries()
    new = {"subproblem": "How do I tune a harpsichord?", "subroutine": "I should begin with A."}
    lines = [new, *({"subproblem": e.subproblem, "subroutine": e.subroutine} for e in known)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    taken = ImportCounts()
    import_new_entries_from_files(path, [file], None, lambda *_: None, taken)
    assert (taken.added, taken.there) == (1, 20)
    with Store.open(path) as store:
        (added,) = store.get([count + 1])
        assert added.subproblem == new["subproblem"]
        best = store.search(SearchRequest(store.read_vectors([count + 1])[0], k=1))
        assert best[0].entry == added
