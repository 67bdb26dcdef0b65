"""A process killed in the middle of adding leaves the store as it was."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rm_local.errors import ReadOnlyStoreError
from rm_local.store.request import SearchRequest
from rm_local.store.store import Store
from tests.support.stores import entries, toy_store, vectors

ROOT = Path(__file__).resolve().parents[3]
KILLED = """
import sys
from rm_local.store.sqlite import tables
from rm_local.store.store import Store
from tests.support.faults.cut import kill_after
from tests.support.stores import entries, vectors

kill_after(tables, "insert_entry_rows_and_update_counts")
Store.open(sys.argv[1], write=True).add_entries(entries(500), vectors(500))
"""


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A store of twelve whose writer was killed with 500 more already written to its pages."""
    path = toy_store(tmp_path / "toy.rms")
    before = path.read_bytes()
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() != before
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_the_next_opening_undoes_what_was_half_added(killed: Path) -> None:
    """It holds what it held, is searched as before, and takes new entries."""
    with Store.open(killed) as store:
        assert store.count_entries() == 12
        assert [
            hit.entry.id for hit in store.search(SearchRequest(vectors(12)[4], "zorb4", k=1))
        ] == [5]
    with Store.open(killed, write=True) as store:
        assert store.add_entries(entries(1), vectors(1)) == [13]


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_half_added_entries_are_never_read(killed: Path) -> None:
    """Where they cannot be undone, as nothing can be written, opening is an error that says so."""
    killed.chmod(0o444)
    with pytest.raises(ReadOnlyStoreError, match="interrupted"):
        Store.open(killed)
