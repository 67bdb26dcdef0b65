"""The files of one model: a split GGUF lies in several, named `-00001-of-00003.gguf`."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rm_local.errors import ModelInvalid
from rm_local.gguf.architecture import ModelShape, shape_of
from rm_local.gguf.header import GgufHeader, read_header
from rm_local.gguf.kind import is_split

_PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf", re.IGNORECASE)
_MOST_PARTS = 1000


@dataclass(frozen=True, slots=True)
class GgufFiles:
    """All files of a model."""

    header: GgufHeader
    """Of the first file, which holds the metadata."""
    there: tuple[tuple[Path, GgufHeader], ...]
    missing: tuple[str, ...]
    """Names of those that are not there."""

    @property
    def weights(self) -> int:
        """Bytes of weights."""
        return sum(part.weights for _, part in self.there)

    @property
    def layered(self) -> int:
        """Those of them that belong to a layer."""
        return sum(part.layered for _, part in self.there)

    @property
    def values(self) -> dict[int, int]:
        """How many values of each ggml type there are."""
        total: Counter[int] = Counter()
        for _, part in self.there:
            total.update(part.values)
        return dict(total)

    @property
    def context(self) -> int:
        """Tokens that the model was trained on at once; 0 where it does not tell."""
        return self.header.number(f"{self.header.architecture}.context_length")

    @property
    def shape(self) -> ModelShape:
        """What its memory depends on."""
        return shape_of(self.header.metadata)


def first_part(path: Path) -> Path:
    """The first of the files that belong to a model; the file itself where it is not split."""
    found = _PART.fullmatch(path.name)
    return path.with_name(_name(path, 1)) if found and int(found[2]) != 1 else path


def read_files(path: Path) -> GgufFiles:
    """The files of the model whose first, or only, one is at `path`.

    Raises ModelMissing, and ModelInvalid when a file is no GGUF or is damaged in its header.
    """
    header = read_header(path)
    if not is_split(header.metadata):
        return GgufFiles(header, ((path, header),), ())
    found = _PART.fullmatch(path.name)
    count = int(found[3]) if found else 1
    if count > _MOST_PARTS:
        raise ModelInvalid(f"{path} says that it is one of {count:,} files.", "Copy it again.")
    files = [path.with_name(_name(path, number)) for number in range(1, count + 1)]
    there = tuple((file, read_header(file)) for file in files if file.is_file())
    return GgufFiles(header, there, tuple(file.name for file in files if not file.is_file()))


def _name(path: Path, number: int) -> str:
    part = _PART.fullmatch(path.name)
    return f"{part[1]}-{number:05}-of-{part[3]}{path.suffix}" if part else path.name
