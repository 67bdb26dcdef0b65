"""Vectors are written block by block, and a run that was killed is continued."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rm_local.embed.npy_writer import ResumableNpyWriter
from rm_local.errors import UsageError
from rm_local.store.format import EmbedderId

EMBEDDER = EmbedderId("lengths", 2, "00")
TEXTS = [letter * (7 * place % 5 + 1) for place, letter in enumerate("abcdefghij")]
BLOCK = 4


class Killed(BaseException):
    """The process ends."""


class Lengths:
    """Embeds a text as its length and its first letter; may be killed at a block."""

    def __init__(self, killed_at: int = -1) -> None:
        self.blocks: list[list[str]] = []
        self._killed_at = killed_at

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if len(self.blocks) == self._killed_at:
            raise Killed
        self.blocks.append(list(texts))
        return np.array([[len(text), ord(text[0])] for text in texts], dtype=np.float32)


def run(path: Path, embed: Lengths, texts: Sequence[str] = TEXTS) -> None:
    """What `BulkEmbedder.embed_to_npy_unless_exists` does."""
    writer = ResumableNpyWriter.open(path, len(texts), EMBEDDER, BLOCK)
    for start in writer.check_and_find_missing_blocks(texts):
        writer.embed_and_write_block(start, texts[start : start + BLOCK], embed)
    writer.rename_part_and_remove_log()


def test_rows_stand_in_the_order_of_the_texts(tmp_path: Path) -> None:
    """Though each block was embedded from its shortest text to its longest; nothing is left."""
    embed = Lengths()
    run(tmp_path / "rows.npy", embed)
    rows = np.load(tmp_path / "rows.npy")
    assert rows.tolist() == [[len(text), ord(text[0])] for text in TEXTS]
    assert all(block == sorted(block, key=len) for block in embed.blocks)
    assert [path.name for path in tmp_path.glob("rows*")] == ["rows.npy"]


@pytest.mark.parametrize("block", [0, 1, 2])
def test_a_killed_run_is_continued(tmp_path: Path, block: int) -> None:
    """What was done is not done again, and the file is the same; until then it is not there."""
    path = tmp_path / "rows.npy"
    with pytest.raises(Killed):
        run(path, Lengths(killed_at=block))
    assert not path.exists()
    rest = Lengths()
    run(path, rest)
    assert len(rest.blocks) == 3 - block
    assert np.load(path)[:, 0].tolist() == [len(text) for text in TEXTS]


def test_a_note_cut_short_is_done_again(tmp_path: Path) -> None:
    """As by a kill in the middle of writing it."""
    path = tmp_path / "rows.npy"
    with pytest.raises(Killed):
        run(path, Lengths(killed_at=2))
    log = tmp_path / "rows.npy.log"
    log.write_bytes(log.read_bytes()[:-5])
    rest = Lengths()
    run(path, rest)
    assert len(rest.blocks) == 2
    assert np.load(path)[:, 1].tolist() == [ord(text[0]) for text in TEXTS]


@pytest.mark.parametrize("texts", [["other", *TEXTS[1:]], TEXTS[:-1]])
def test_other_texts_are_refused(tmp_path: Path, texts: list[str]) -> None:
    """Their vectors do not belong with those that are there."""
    path = tmp_path / "rows.npy"
    with pytest.raises(Killed):
        run(path, Lengths(killed_at=1))
    with pytest.raises(UsageError, match=r"rows\.npy"):
        run(path, Lengths(), texts)


def test_no_texts_give_no_rows(tmp_path: Path) -> None:
    """An empty file of the right width."""
    run(tmp_path / "rows.npy", Lengths(), [])
    assert np.load(tmp_path / "rows.npy").shape == (0, 2)
