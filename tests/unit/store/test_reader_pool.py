"""Two connections share the reading of a search."""

from __future__ import annotations

from pathlib import Path
from threading import get_ident

import apsw
import pytest

from rm_local.store.format import DamagedError
from rm_local.store.sqlite.reader_pool import ReaderPool, read_transaction
from tests.support.stores import toy_store


def test_what_is_read_is_finished_in_the_calling_thread(tmp_path: Path) -> None:
    """Whichever reader read it; and what a reader raises ends the work and comes out."""
    path = toy_store(tmp_path / "toy.rms")
    first = apsw.Connection(str(path))
    readers = ReaderPool(first, path)
    with read_transaction(first):
        found = readers.map_pieces(
            lambda _, piece: piece, range(50), lambda piece: (piece, get_ident())
        )
        asked: list[int] = []

        def refuse(_: apsw.Connection, piece: int) -> int:
            asked.append(piece)
            raise DamagedError(str(piece))

        with pytest.raises(DamagedError):
            readers.map_pieces(refuse, range(50), lambda piece: piece)
    readers.close_second_connection()
    first.close()
    assert found == [(piece, get_ident()) for piece in range(50)]
    assert 1 <= len(asked) <= 2
