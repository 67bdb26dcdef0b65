"""The header of a GGUF file, read without llama.cpp: what it holds, and whether it is whole.

Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from rm_local.errors import ModelInvalid, ModelMissing

MAGIC = b"GGUF"
_SCALARS = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d",
}  # fmt: skip
_STRING, _ARRAY = 8, 9
_LONGEST_ARRAY = 64
"""Longer arrays (the vocabulary) are passed over."""

# ggml type -> (values in a block, bytes of a block)
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    9: (32, 40), 10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    15: (256, 292), 16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18),
    21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8),
    28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
    40: (64, 36), 41: (128, 18),
}  # fmt: skip

_ENCODERS = {
    "bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "modern-bert",
    "neo-bert", "eurobert", "gemma-embedding", "t5encoder",
}  # fmt: skip
_NO_TEXT = {"clip", "wavtokenizer-dec", "whisper"}
_ELSE = "Choose a text generation model in the GGUF format."
_AGAIN = "Download or copy it again."


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF file says of itself."""

    metadata: dict[str, Any]
    """Keys and values; arrays of more than 64 values are given as their length."""
    tensors: int
    needed: int
    """Bytes that the file must have at least (tensors of unknown types count as empty)."""

    @property
    def architecture(self) -> str:
        return str(self.metadata.get("general.architecture", ""))


def read(path: Path) -> Header:
    """The file's header. ModelMissing, or ModelInvalid when it is no GGUF or ends too early."""
    if not path.is_file():
        kind = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise ModelMissing(f"The model {path} {kind}.", "Give the path of a GGUF file.")
    try:
        with path.open("rb") as file:
            return _parse(file, path)
    except OSError as error:
        raise ModelMissing(
            f"The model {path} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    except (EOFError, struct.error, UnicodeDecodeError, OverflowError, MemoryError) as error:
        raise ModelInvalid(f"{path} is cut short or damaged in its header.", _AGAIN) from error


def check_whole(path: Path, header: Header) -> None:
    """ModelInvalid when the file is shorter than its tensors need."""
    size = path.stat().st_size
    if size < header.needed:
        raise ModelInvalid(
            f"{path} is cut short: it has {size:,} bytes and needs {header.needed:,}.", _AGAIN
        )


def check_generates(path: Path, header: Header) -> None:
    """ModelInvalid when the file writes no text: an embedder, a projector, an adapter."""
    kind = header.metadata.get("general.type", "model")
    architecture = header.architecture
    if kind != "model" or architecture in _NO_TEXT:
        what = {"mmproj": "projector", "clip": "projector"}.get(
            architecture if kind == "model" else str(kind), str(kind)
        )
        raise ModelInvalid(f"{path} holds no language model but a part of one ({what}).", _ELSE)
    pooling = header.metadata.get(f"{architecture}.pooling_type", 0)
    if architecture in _ENCODERS or pooling:
        raise ModelInvalid(f"{path} is an embedder ({architecture}): it writes no text.", _ELSE)
    if "tokenizer.ggml.tokens" not in header.metadata or not header.tensors:
        raise ModelInvalid(f"{path} holds no vocabulary or no weights.", _ELSE)


def _parse(file: BinaryIO, path: Path) -> Header:
    if file.read(4) != MAGIC:
        raise ModelInvalid(f"{path} is not a GGUF file.", _ELSE)
    (version,) = _unpack(file, "I")
    if version not in (2, 3):
        raise ModelInvalid(
            f"{path} is a GGUF of version {version}, not 2 or 3.", "Convert the model anew."
        )
    tensors, pairs = _unpack(file, "QQ")
    metadata = {}
    for _ in range(pairs):
        key = _string(file)
        metadata[key] = _value(file, _unpack(file, "I")[0])
    end = max((_tensor_end(file) for _ in range(tensors)), default=0)
    alignment = int(metadata.get("general.alignment", 32)) or 32
    data = -(-file.tell() // alignment) * alignment
    return Header(metadata, tensors, data + end if tensors else file.tell())


def _tensor_end(file: BinaryIO) -> int:
    """Where the next tensor's data ends, counted from where all data begins."""
    _string(file)
    (dimensions,) = _unpack(file, "I")
    values = 1
    for length in _unpack(file, "Q" * dimensions):
        values *= length
    kind, offset = _unpack(file, "IQ")
    per_block, block = _BLOCKS.get(kind, (1, 0))
    return int(offset + values // per_block * block)


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        return _unpack(file, _scalar(kind))[0]
    item, length = _unpack(file, "IQ")
    if length <= _LONGEST_ARRAY:
        return [_value(file, item) for _ in range(length)]
    _skip_array(file, item, length)
    return length


def _skip_array(file: BinaryIO, item: int, length: int) -> None:
    if item == _STRING:
        for _ in range(length):
            file.seek(_unpack(file, "Q")[0], 1)
    elif item == _ARRAY:
        for _ in range(length):
            _value(file, item)
    else:
        file.seek(length * struct.calcsize("<" + _scalar(item)), 1)


def _scalar(kind: int) -> str:
    if kind not in _SCALARS:
        raise EOFError(f"value type {kind}")
    return _SCALARS[kind]


def _string(file: BinaryIO) -> str:
    (length,) = _unpack(file, "Q")
    return _exactly(file, length).decode("utf-8", "replace")


def _unpack(file: BinaryIO, layout: str) -> tuple[Any, ...]:
    return struct.unpack("<" + layout, _exactly(file, struct.calcsize("<" + layout)))


def _exactly(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise EOFError
    return data
