"""Whether two versions of sqlite-vec answer alike on each other's stores:
`python -m tests.campaigns.versions PYTHON PYTHON`, two interpreters that have one each.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

MAKE = """
import sys
from pathlib import Path
from tests.support.faults.stores import made_store
from rm_local.store.sqlite.library_versions import read_library_versions
made_store(Path(sys.argv[1]), 5000)
print(read_library_versions()["sqlite_vec"])
"""
READ = """
import sys
from pathlib import Path
from rm_local.store.store import Store
from tests.support.faults.stores import fingerprint
from tests.support.stores import entries, vectors
with Store.open(Path(sys.argv[1]), write=True) as store:
    assert store.verify() == []
    print(fingerprint(store))
    if sys.argv[2:] == ["write"]:
        store.delete_entries(store.add_entries(entries(9), vectors(9, dimension=64, seed=9))[:4])
"""


def said(python: str, code: str, *arguments: str) -> str:
    """The last line that `code` prints under this interpreter."""
    done = subprocess.run(
        [python, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def main() -> int:
    """Run the command; 1 when answers differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs=2)
    pythons = parser.parse_args().pythons
    alike = True
    for maker, other in (pythons, reversed(pythons)):
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            path = str(Path(folder) / "made.rms")
            version = said(maker, MAKE, path)
            # Each writes to the other's store, and both read what came of it.
            for writer in (other, maker):
                one, two = (said(python, READ, path) for python in (maker, other))
                same = one == two
                alike &= same
                print(f"made by {version}: {'alike' if same else 'DIFFERENT'}", flush=True)
                said(writer, READ, path, "write")
    return 0 if alike else 1


if __name__ == "__main__":
    sys.exit(main())
