"""Finds all files of a model; a split model has several, named `NAME-00001-of-00003.gguf`."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rm_local.errors import InvalidModelError, ModelNotFoundError
from rm_local.gguf.architecture import ModelShape, compute_model_shape_or_zeros
from rm_local.gguf.header import GgufHeader, read_header
from rm_local.gguf.kind import is_split

_PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf", re.IGNORECASE)
_MOST_PARTS = 1000
_PUT_TOGETHER = "Put all files of a split model into one folder."


@dataclass(frozen=True, slots=True)
class GgufFiles:
    """The files of a model with their headers; a model that is not split has one file."""

    header: GgufHeader
    """Header of the first file, with the model's metadata."""
    there: tuple[tuple[Path, GgufHeader], ...]
    """Path and header of each existing file, in order."""
    missing: tuple[str, ...]
    """Names of the files of a split model that do not exist."""

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights in all existing files."""
        return sum(part.weight_bytes for _, part in self.there)

    @property
    def total_layer_bytes(self) -> int:
        """Bytes of the weights that belong to a layer (`blk.N.`), in all existing files."""
        return sum(part.total_layer_bytes for _, part in self.there)

    @property
    def value_counts_by_type(self) -> dict[int, int]:
        """ggml type -> number of values with that type, in all existing files."""
        total: Counter[int] = Counter()
        for _, part in self.there:
            total.update(part.values)
        return dict(total)

    @property
    def trained_context(self) -> int:
        """Context length that the model was trained for, in tokens; 0 if it is not stated."""
        return self.header.get_count_or_zero(f"{self.header.architecture}.context_length")

    @property
    def shape(self) -> ModelShape:
        """The model's numbers of layers and widths, for an estimate of its memory."""
        return compute_model_shape_or_zeros(self.header.metadata)


def resolve_first_part_path(path: Path) -> Path:
    """Return the path of a split model's first file, given that of any; else return `path`.

    Raises:
        ModelNotFoundError: `path` exists, but not the first file.
    """
    found = _PART.fullmatch(path.name)
    if not found or int(found[2]) == 1:
        return path
    first = path.with_name(_format_part_name(path, 1))
    if os.path.exists(path) and not os.path.exists(first):
        raise ModelNotFoundError(
            f"{path} is number {int(found[2])} of the {int(found[3])} files of a model, and the "
            f"first, {first.name}, is missing.",
            _PUT_TOGETHER,
        )
    return first


def read_headers_of_existing_parts(path: Path) -> GgufFiles:
    """Read the headers of a model's files, found by the path of its first or only file.

    Other files of a split model that do not exist are no error: the result lists them in `missing`.

    Raises:
        ModelNotFoundError: The first file does not exist, or a file cannot be read.
        InvalidModelError: A file is not a GGUF file or its header is damaged.
    """
    header = read_header(path)
    if not is_split(header.metadata):
        return GgufFiles(header, ((path, header),), ())
    found = _PART.fullmatch(path.name)
    count = int(found[3]) if found else 1
    if count > _MOST_PARTS:
        raise InvalidModelError(
            f"{path} claims to be one of {count:,} files.", "Download it again."
        )
    files = [path.with_name(_format_part_name(path, number)) for number in range(1, count + 1)]
    there = tuple((file, read_header(file)) for file in files if file.is_file())
    return GgufFiles(header, there, tuple(file.name for file in files if not file.is_file()))


def _format_part_name(path: Path, number: int) -> str:
    part = _PART.fullmatch(path.name)
    return f"{part[1]}-{number:05}-of-{part[3]}{path.suffix}" if part else path.name
