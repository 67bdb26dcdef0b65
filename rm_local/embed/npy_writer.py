"""A .npy file that is written block by block, and goes on after any stop."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rm_local.arrays import Floats
from rm_local.errors import UsageError
from rm_local.files import replace_file
from rm_local.store import EmbedderId

Embed = Callable[[Sequence[str]], Floats]


class Output:
    """Rows go to `NAME.part`, a note of each block that is on disk to `NAME.log`.

    The first line of the log says what is made, each other line one block's place and the
    sha256 of its texts. `finish` puts the rows in their place and removes the log.
    """

    def __init__(
        self, path: Path, shape: tuple[int, int], block: int, done: dict[int, str]
    ) -> None:
        self._path, self._shape, self._block, self._done = path, shape, block, done

    @classmethod
    def open(cls, path: Path, count: int, embedder: EmbedderId, block: int) -> Output:
        """Begin `count` rows, or go on with those of `path` that an earlier run has left.

        UsageError: what lies there was begun for another number of texts or embedder.
        """
        head = {
            "rows": count,
            "block": block,
            "embedder": embedder.id,
            "dimension": embedder.dimension,
            "sha256": embedder.sha256,
        }
        part, log = _part(path), _log(path)
        lines = _read(log) if part.exists() and log.exists() else []
        if lines and lines[0] != head:
            raise _other(path)
        if not lines:
            path.parent.mkdir(parents=True, exist_ok=True)
            # The log comes last: rows without one are begun anew.
            log.unlink(missing_ok=True)
            _reserve(part, (count, embedder.dimension))
            log.write_text(json.dumps(head) + "\n", "utf-8")
        done = {line["start"]: line["texts"] for line in lines[1:]}
        return cls(path, (count, embedder.dimension), block, done)

    def missing(self, texts: Sequence[str]) -> Iterator[int]:
        """Where the blocks begin that are still to be written.

        UsageError: a block that is there was made of other texts.
        """
        for start in range(0, self._shape[0], self._block):
            if start not in self._done:
                yield start
            elif self._done[start] != _digest(texts[start : start + self._block]):
                raise _other(self._path)

    def write(self, start: int, texts: Sequence[str], embed: Embed) -> None:
        """Embed one block, put its rows on disk, then note it."""
        # Sorted, so that texts of like length share a batch whatever `embed` does with them.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors = np.empty((len(texts), self._shape[1]), dtype=np.float32)
        vectors[order] = embed([texts[i] for i in order])
        # Not through a map of the file: with a full disk that kills the process without a word.
        with _part(self._path).open("r+b") as rows:
            rows.seek(-vectors.itemsize * self._shape[1] * (self._shape[0] - start), os.SEEK_END)
            rows.write(vectors.tobytes())
            rows.flush()
            os.fsync(rows.fileno())
        note = {"start": start, "texts": _digest(texts)}
        with _log(self._path).open("a", encoding="utf-8") as log:
            log.write(json.dumps(note) + "\n")
            log.flush()
            os.fsync(log.fileno())

    def finish(self) -> None:
        """Put the whole file in its place."""
        replace_file(_part(self._path), self._path)
        _log(self._path).unlink(missing_ok=True)


def _reserve(part: Path, shape: tuple[int, int]) -> None:
    """A .npy file of that shape, its rows still without content."""
    head = {"descr": "<f4", "fortran_order": False, "shape": shape}
    with part.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, head)
        file.truncate(file.tell() + shape[0] * shape[1] * 4)


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _log(path: Path) -> Path:
    return path.with_name(path.name + ".log")


def _read(log: Path) -> list[dict[str, Any]]:
    """The lines of a log; a last one that was cut short is left out, and cut off the file."""
    text = log.read_text("utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        log.write_text(whole, "utf-8")
    return [json.loads(line) for line in whole.splitlines()]


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def _other(path: Path) -> UsageError:
    return UsageError(
        f"{_part(path)} was begun for other texts, or by another embedder.",
        f"Remove it and {_log(path).name}, or write to another file.",
    )
