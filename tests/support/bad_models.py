"""GGUF files with one thing wrong, made of a small good one."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import pytest

from tests.support import gguf_headers, tiny_gguf

QUERY = "blk.0.attn_q.weight"
_Q4_K, _UNKNOWN = 12, 99
LOOPS = (
    "{% for i in range(99999) %}{% for j in range(99999) %}{% for k in range(99999) %}"
    "{% endfor %}{% endfor %}{% endfor %}"
)
GROWS = (
    "{% set n = namespace(x='abcdefgh') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}"
    "{% endfor %}"
)
RECURS = "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}"
REACHES = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
OPENS = "{% include '/etc/passwd' %}"
RAISES = "{{ raise_exception('only for tools') }}"


def not_numbers(path: Path) -> Path:
    """Every weight is NaN."""
    start = gguf.GGUFReader(tiny_gguf.write(path)).data_offset
    whole = path.read_bytes()
    path.write_bytes(whole[:start] + b"\xff\x7f" * ((len(whole) - start) // 2))
    return path


def cut(path: Path) -> Path:
    """The header is whole, most weights are not there."""
    start = gguf.GGUFReader(tiny_gguf.write(path)).data_offset
    path.write_bytes(path.read_bytes()[: start + 1000])
    return path


def layers(path: Path, count: int) -> Path:
    """The header states so many layers; llama.cpp aborts when there are none."""
    return _patched(path, "qwen3.block_count", 4, struct.pack("<I", count))


def tensor_type(path: Path, type_: int) -> Path:
    """A tensor of two dimensions is said to be of this type."""
    return _patched(path, QUERY, 4 + 16, struct.pack("<I", type_))


def tensor_shape(path: Path) -> Path:
    """A tensor is said to be turned on its side."""
    return _patched(path, "blk.0.ffn_up.weight", 4, struct.pack("<QQ", 96, 64))


def renamed(path: Path, old: bytes, new: bytes) -> Path:
    """A key or tensor has another name of the same length."""
    path.write_bytes(tiny_gguf.write(path).read_bytes().replace(old, new))
    return path


def empty(path: Path) -> Path:
    """No byte."""
    path.touch()
    return path


def split(folder: Path) -> list[Path]:
    """The three files of one good model."""

    class Parts(gguf.GGUFWriter):
        def __init__(self, path: Path, architecture: str) -> None:
            super().__init__(path, architecture, split_max_tensors=8)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gguf, "GGUFWriter", Parts)
        tiny_gguf.write(folder / "split.gguf")
    return sorted(folder.glob("split-*.gguf"))


def _without_part(path: Path) -> Path:
    first, second, _ = split(path.parent)
    second.unlink()
    return first


def _template(template: str | None) -> Callable[[Path], Path]:
    return lambda path: tiny_gguf.write(path, template=template)


def _header(**metadata: Any) -> Callable[[Path], Path]:
    fields = {key.replace("__", "."): value for key, value in metadata.items()}
    return lambda path: gguf_headers.write(path, gguf_headers.model() | fields)


REFUSED: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "empty": (empty, "is empty", "again"),
    "cut": (cut, "is cut short", "again"),
    "not numbers": (not_numbers, "NaN or infinite logits", "damaged"),
    "no layers": (lambda path: layers(path, 0), "could not be loaded", "damaged"),
    "too many layers": (lambda path: layers(path, 1 << 30), "could not be loaded", "damaged"),
    "unknown type": (lambda path: tensor_type(path, _UNKNOWN), "type 99", "newer llama.cpp"),
    "other type": (lambda path: tensor_type(path, _Q4_K), QUERY, "damaged"),
    "other shape": (tensor_shape, "blk.0.ffn_up.weight", "damaged"),
    "tensor missing": (lambda path: renamed(path, b"blk.1.attn_q", b"blk.9.attn_q"), "blk.1", ""),
    "architecture": (
        lambda path: tiny_gguf.write(path, architecture="qwen99"), "'qwen99'", "newer llama.cpp",
    ),
    "no vocabulary": (
        lambda path: renamed(path, b"ggml.tokens", b"ggml.tokenz"), "no vocabulary", "Choose",
    ),
    "embedder": (_header(general__architecture="bert"), "is an embedder (bert)", "Choose"),
    "projector": (_header(general__type="mmproj"), "(projector)", "Choose"),
    "adapter": (_header(general__type="adapter"), "is an adapter", "--lora"),
    "part missing": (_without_part, "00002-of-00003", "one folder"),
    "second part": (lambda path: split(path.parent)[1], "number 2 of the 3", "first"),
    "template loops": (_template(LOOPS), "does not finish", "template of your own"),
    "template grows": (_template(GROWS), "memory", "template of your own"),
    "template recurs": (_template(RECURS), "calls itself without end", "template of your own"),
    "template reaches": (_template(REACHES), "not allowed", "template of your own"),
    "template opens": (_template(OPENS), "chat template", "template of your own"),
    "template raises": (_template(RAISES), "only for tools", "template of your own"),
    "template says nothing": (_template("hello"), "leaves the question out", "template of your"),
}  # fmt: skip
"""Name -> how the file is made, what is said of it, and what is said to do."""


def _patched(path: Path, name: str, distance: int, value: bytes) -> Path:
    """A good model in which `value` stands so many bytes after the name of a key or tensor."""
    data = bytearray(tiny_gguf.write(path).read_bytes())
    key = struct.pack("<Q", len(name)) + name.encode()
    at = data.index(key) + len(key) + distance
    data[at : at + len(value)] = value
    path.write_bytes(data)
    return path
