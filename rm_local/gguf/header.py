"""Reads the header of a GGUF file without llama.cpp, and checks that the file is complete.

Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Literal

from rm_local.errors import InvalidModelError, ModelNotFoundError
from rm_local.file_formats import FORMAT_BYTES, describe_foreign_format_or_empty
from rm_local.file_kinds import describe_if_not_ordinary_file
from rm_local.gguf.kind import detect_kind, is_split
from rm_local.gguf.tensor_entry import BLOCKS, TensorEntry

MAGIC = b"GGUF"
TOKENS = "tokenizer.ggml.tokens"
"""Key of the vocabulary."""
_SWAPPED = (2 << 24, 3 << 24)
"""The versions 2 and 3 with their bytes in the other order."""
_SCALARS = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d",
}  # fmt: skip
_STRING, _ARRAY = 8, 9
_KEPT_NUMBERS, _KEPT_STRINGS = 512, 64
"""Maximum items of an array of numbers, and of an array of strings, that is kept in the metadata.

A longer array, such as the vocabulary, is skipped. 512 is llama.cpp's limit of layers."""

# Far above any real model, so that a malicious header costs neither memory nor minutes.
_MOST_PAIRS, _MOST_TENSORS = 1 << 14, 1 << 17
_MOST_ITEMS = 1 << 22
_MOST_DIMENSIONS = 4
_LONGEST_STRING, _LONGEST_HEADER = 1 << 22, 1 << 28
_CHUNK = 1 << 20

_AGAIN = "Download or copy it again."
_CHOOSE = {
    "model": "Choose a text generation model in the GGUF format.",
    "adapter": "Choose a LoRA adapter in the GGUF format; llama.cpp's convert_lora_to_gguf.py "
    "makes one from a PEFT adapter.",
}

_OTHER_REMEDIES = {
    "a web page": "Download the file itself, not the page about it.",
    "a pointer of Git LFS": "Get the file itself: git lfs pull.",
    "a ZIP archive": "Unpack it first.",
    "a 7-Zip archive": "Unpack it first.",
} | dict.fromkeys(
    (f"compressed by {program}" for program in ("gzip", "xz", "bzip2", "zstandard")),
    "Unpack it first.",
)
"""What to do about a file of a format that `describe_foreign_format_or_empty` names."""

Noun = Literal["model", "adapter"]
"""What a GGUF file is called in error messages."""


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """The parsed header of a GGUF file: its metadata, and totals over its tensors."""

    metadata: dict[str, Any]
    """Key -> value; of an array of over 512 numbers or 64 strings, only the length is kept."""
    tensor_count: int
    needed_bytes: int
    """Minimum size of a complete file, in bytes; tensors of unknown types are counted as empty."""
    values: dict[int, int] = field(default_factory=dict)
    """ggml type -> number of values in all tensors of that type."""
    weight_bytes: int = 0
    """Bytes of all tensors."""
    total_layer_bytes: int = 0
    """Bytes of the tensors that belong to a layer (`blk.N.`)."""
    types: dict[str, int] = field(default_factory=dict)
    """Key of `metadata` -> GGUF's number for the type of its value."""
    table: tuple[TensorEntry, ...] = ()
    """The entries of all tensors, if `read_header` was called with `table`; otherwise empty."""

    @property
    def architecture(self) -> str:
        return str(self.metadata.get("general.architecture", ""))

    @property
    def alignment(self) -> int:
        """Alignment of tensor data: each tensor begins at a multiple of this number of bytes."""
        return _get_alignment_or_default(self.metadata)

    def get_count_or_zero(self, key: str) -> int:
        """Read the whole number under `key` from the metadata; 0 if it is missing or impossible."""
        value = self.metadata.get(key)
        return value if isinstance(value, int) and 0 < value < 1 << 31 else 0


def check_is_ordinary_file(path: Path, noun: Noun) -> None:
    """Check that there is an ordinary file, and no pipe or device: it is read several times.

    Raises:
        ModelNotFoundError: There is another thing or nothing; the message says what.
    """
    if reason := describe_if_not_ordinary_file(path):
        raise ModelNotFoundError(f"The {noun} {path} {reason}.", "Give the path of a GGUF file.")


def read_header(
    path: Path, *, noun: Noun = "model", table: bool = False, vocabulary: bool = False
) -> GgufHeader:
    """Read the header of a GGUF file, but not its weights.

    `noun`: what the file is called in error messages. `table`: whether to keep each tensor's entry.
    `vocabulary`: whether to keep the tokens in the metadata (30,522 of them take 0.05 s).

    Raises:
        ModelNotFoundError: There is no such file, or it cannot be read.
        InvalidModelError: It is not a GGUF file, or its header is cut short or damaged.
    """
    check_is_ordinary_file(path, noun)
    try:
        with path.open("rb") as file:
            return _parse_header(file, path, noun, table, TOKENS if vocabulary else None)
    except OSError as error:
        raise ModelNotFoundError(
            f"The {noun} {path} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    except (EOFError, struct.error, UnicodeDecodeError, OverflowError) as error:
        raise InvalidModelError(f"{path} is cut short or damaged in its header.", _AGAIN) from error


def check_file_complete(path: Path, header: GgufHeader) -> None:
    """Check that a GGUF file is long enough to contain all tensors that its header lists.

    Raises:
        InvalidModelError: The file is too short.
    """
    size = path.stat().st_size
    if size < header.needed_bytes:
        raise InvalidModelError(
            f"{path} is cut short: it has {size:,} bytes and needs {header.needed_bytes:,}.", _AGAIN
        )


def check_is_text_model(path: Path, header: GgufHeader) -> None:
    """Check that a GGUF file is a text generation model, or the first file of a split one.

    Raises:
        InvalidModelError: The file is another kind of model, such as an embedder or an adapter,
            or not the first file of a split model.
    """
    found = detect_kind(header.metadata, header.tensor_count)
    if found == "text":
        return
    part, parts = header.metadata.get("split.no"), header.metadata.get("split.count")
    if isinstance(part, int) and part and is_split(header.metadata):
        message = f"{path} is not the first but number {part + 1} of the {parts} files of a model."
        raise InvalidModelError(message, "Give the path of the first.")
    if found == "adapter":
        remedy = "Choose its base model, and name the adapter with --lora."
        raise InvalidModelError(f"{path} is an adapter, not a model.", remedy)
    if found == "embedder":
        what = f"is an embedder ({header.architecture}) and generates no text"
    elif found == "vocabulary":
        what = "holds no vocabulary or no weights"
    elif found == "other":
        what = f"is a {header.architecture} model, which does not continue a prompt"
    else:
        what = f"holds no language model but a part of one ({found})"
    raise InvalidModelError(f"{path} {what}.", _CHOOSE["model"])


def _parse_header(
    file: BinaryIO, path: Path, noun: Noun, table: bool, whole: str | None
) -> GgufHeader:
    """Parse the header; `whole` is the key of the strings that are kept however many they are."""
    magic = file.read(4)
    if not magic:
        raise InvalidModelError(f"{path} is empty.", _AGAIN)
    if magic != MAGIC:
        other = describe_foreign_format_or_empty(magic + file.read(FORMAT_BYTES))
        but = f" but {other}" if other else ""
        remedy = _OTHER_REMEDIES.get(other, _CHOOSE[noun])
        raise InvalidModelError(f"{path} is not a GGUF file{but}.", remedy)
    (version,) = _read_and_unpack_values(file, "I")
    if version in _SWAPPED:
        raise InvalidModelError(
            f"{path} is big-endian: it was made for another kind of processor.",
            f"Choose a little-endian copy of the {noun}, as most are.",
        )
    if version not in (2, 3):
        raise InvalidModelError(
            f"{path} has GGUF version {version}, not 2 or 3.", f"Convert the {noun} again."
        )
    tensors, pairs = _read_and_unpack_values(file, "QQ")
    _raise_eof_error_unless(tensors <= _MOST_TENSORS and pairs <= _MOST_PAIRS)
    metadata, types = {}, {}
    for _ in range(pairs):
        key = _read_string(file)
        (types[key],) = _read_and_unpack_values(file, "I")
        metadata[key] = _read_value_or_long_array_length(file, types[key], whole=key == whole)
        _raise_eof_error_unless(file.tell() <= _LONGEST_HEADER)
    return _read_tensors_and_build_header(file, metadata, types, tensors, table)


def _read_tensors_and_build_header(
    file: BinaryIO, metadata: dict[str, Any], types: dict[str, int], tensors: int, table: bool
) -> GgufHeader:
    """Read the entries of `tensors` tensors, and build the header from them and the metadata.

    `table`: whether to keep the entries in the header.
    """
    values: dict[int, int] = {}
    end = weights = layered = 0
    entries = []
    for _ in range(tensors):
        entry = _read_tensor_entry(file)
        values[entry.type] = values.get(entry.type, 0) + entry.value_count
        end = max(end, entry.offset + entry.bytes)
        weights += entry.bytes
        layered += entry.bytes * entry.name.startswith("blk.")
        if table:
            entries.append(entry)
        _raise_eof_error_unless(file.tell() <= _LONGEST_HEADER)
    alignment = _get_alignment_or_default(metadata)
    data = -(-file.tell() // alignment) * alignment
    needed = data + end if tensors else file.tell()
    return GgufHeader(metadata, tensors, needed, values, weights, layered, types, tuple(entries))


def _get_alignment_or_default(metadata: dict[str, Any]) -> int:
    stated = metadata.get("general.alignment")
    return stated if isinstance(stated, int) and 0 < stated <= _CHUNK else 32


def _read_tensor_entry(file: BinaryIO) -> TensorEntry:
    name = _read_string(file)
    (dimensions,) = _read_and_unpack_values(file, "I")
    _raise_eof_error_unless(dimensions <= _MOST_DIMENSIONS)
    sizes = _read_and_unpack_values(file, "Q" * dimensions) + (1,) * (_MOST_DIMENSIONS - dimensions)
    type_, offset = _read_and_unpack_values(file, "IQ")
    per_block, block = BLOCKS.get(type_, (1, 0))
    return TensorEntry(name, type_, sizes, prod(sizes) // per_block * block, offset)


def _read_value_or_long_array_length(file: BinaryIO, type_: int, *, whole: bool) -> Any:
    """Read a value of the GGUF type `type_`.

    Of an array over the limits (`_KEPT_NUMBERS`, `_KEPT_STRINGS`) the items are skipped, and the
    length is returned. `whole`: keep all strings.
    """
    if type_ == _STRING:
        return _read_string(file)
    if type_ != _ARRAY:
        return _read_and_unpack_values(file, _find_struct_format(type_))[0]
    item, length = _read_and_unpack_values(file, "IQ")
    _raise_eof_error_unless(length <= _MOST_ITEMS)
    if item == _STRING:
        if whole or length <= _KEPT_STRINGS:
            return [_read_string(file) for _ in range(length)]
        _skip_strings(file, length)
        return length
    # An array of arrays has no format: llama.cpp does not read them either.
    scalar = _find_struct_format(item)
    if length <= _KEPT_NUMBERS:
        return [*_read_and_unpack_values(file, scalar * length)]
    file.seek(length * struct.calcsize("<" + scalar), 1)
    return length


def _skip_strings(file: BinaryIO, length: int) -> None:
    """Move the file's position past `length` strings; the file is read in chunks for speed."""
    size = struct.Struct("<Q").unpack_from
    chunk, at = b"", 0
    for _ in range(length):
        if at + 8 > len(chunk):
            file.seek(at - len(chunk), 1)
            chunk, at = file.read(_CHUNK), 0
            _raise_eof_error_unless(len(chunk) >= 8)
        (string,) = size(chunk, at)
        _raise_eof_error_unless(string <= _LONGEST_STRING)
        at += 8 + string
    file.seek(at - len(chunk), 1)


def _raise_eof_error_unless(holds: bool) -> None:
    """Raise EOFError unless a limit on a value of the header holds.

    Raises:
        EOFError: `holds` is false; the header is then reported as damaged.
    """
    if not holds:
        raise EOFError


def _find_struct_format(type_: int) -> str:
    _raise_eof_error_unless(type_ in _SCALARS)
    return _SCALARS[type_]


def _read_string(file: BinaryIO) -> str:
    (length,) = _read_and_unpack_values(file, "Q")
    _raise_eof_error_unless(length <= _LONGEST_STRING)
    return _read_exactly(file, length).decode("utf-8", "replace")


def _read_and_unpack_values(file: BinaryIO, layout: str) -> tuple[Any, ...]:
    return struct.unpack("<" + layout, _read_exactly(file, struct.calcsize("<" + layout)))


def _read_exactly(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise EOFError
    return data
