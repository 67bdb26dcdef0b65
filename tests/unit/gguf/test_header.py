"""Files that are no model, or not all of one, are known before llama.cpp sees them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from rm_local.errors import InvalidModelError, ModelNotFoundError
from rm_local.gguf.header import (
    GgufHeader,
    Noun,
    check_file_complete,
    check_is_text_model,
    read_header,
)
from tests.support import gguf_headers, tiny_gguf


def check(path: Path) -> GgufHeader:
    header = read_header(path)
    check_is_text_model(path, header)
    check_file_complete(path, header)
    return header


def test_a_whole_model_passes(tmp_path: Path) -> None:
    """Metadata and the number of tensors are read; the size needed is at most the file's."""
    path = tiny_gguf.write(tmp_path / "tiny.gguf")

    header = check(path)

    assert header.architecture == "qwen3"
    assert header.metadata["general.name"] == "tiny"
    assert header.metadata["tokenizer.ggml.tokens"] == 267
    assert header.tensor_count == 2 + 2 * 11
    assert path.stat().st_size - 32 < header.needed_bytes <= path.stat().st_size


@pytest.mark.parametrize("share", [0.0001, 0.01, 0.3, 0.9, 0.999])
def test_a_file_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    """Wherever the file was cut, in the header or in the weights, the message says so."""
    whole = tiny_gguf.write(tmp_path / "tiny.gguf").read_bytes()
    path = tmp_path / "cut.gguf"
    path.write_bytes(whole[: max(8, int(len(whole) * share))])

    with pytest.raises(InvalidModelError, match="cut short") as caught:
        check(path)
    assert caught.value.remedy


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    """What a download that never began leaves is named as it is."""
    path = tmp_path / "model.gguf"
    path.touch()

    with pytest.raises(InvalidModelError, match="is empty"):
        check(path)


@pytest.mark.parametrize("content", [b"PK\x03\x04 a zip", b"GGU", b"gguf" * 9])
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file without the magic number is no GGUF."""
    path = tmp_path / "model.gguf"
    path.write_bytes(content)

    with pytest.raises(InvalidModelError, match="not a GGUF file"):
        check(path)


def test_an_old_version_is_refused(tmp_path: Path) -> None:
    """GGUF version 1 is named as such."""
    path = tmp_path / "old.gguf"
    path.write_bytes(b"GGUF\x01\x00\x00\x00" + bytes(16))

    with pytest.raises(InvalidModelError, match="version 1"):
        check(path)


def test_a_missing_file_and_a_folder_have_different_messages(tmp_path: Path) -> None:
    """Both are ModelNotFoundError, each in its own words."""
    with pytest.raises(ModelNotFoundError, match="does not exist"):
        check(tmp_path / "none.gguf")
    with pytest.raises(ModelNotFoundError, match="is a folder"):
        check(tmp_path)


@pytest.mark.parametrize(
    ("architecture", "kind", "words"),
    [
        ("bert", "model", "embedder"),
        ("clip", "mmproj", "projector"),
        ("llama", "adapter", "adapter"),
    ],
)
def test_models_that_write_no_text_are_refused(
    tmp_path: Path, architecture: str, kind: str, words: str
) -> None:
    """An embedder, a projector and an adapter are each called what they are."""
    path = tiny_gguf.write(tmp_path / "other.gguf", architecture=architecture, kind=kind)

    with pytest.raises(InvalidModelError, match=words):
        check(path)


HUGE = 1 << 60


def damaged(path: Path, body: bytes, *, tensors: int = 0, pairs: int = 1) -> Path:
    """A header whose counts and body are as given, before a hole of 1 GB."""
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, tensors, pairs) + body)
    with path.open("r+b") as file:
        file.truncate(1 << 30)
    return path


KEY = struct.pack("<Q", 1) + b"k"


@pytest.mark.parametrize(
    ("body", "counts"),
    [
        (b"", {"pairs": HUGE}),
        (b"", {"pairs": 0, "tensors": HUGE}),
        (struct.pack("<Q", HUGE), {}),
        (struct.pack("<Q", 1 << 29), {}),
        (KEY + struct.pack("<IQ", 8, 1 << 29), {}),
        (KEY + struct.pack("<IIQ", 9, 4, HUGE), {}),
        (KEY + struct.pack("<IIQ", 9, 8, HUGE), {}),
        (KEY + struct.pack("<IIQQ", 9, 8, 65, HUGE), {}),
        (KEY + struct.pack("<IIQ", 9, 9, 1) * 2000, {}),
        (KEY + struct.pack("<I", 99), {}),
        (KEY + struct.pack("<I", HUGE >> 32), {"pairs": 0, "tensors": 1}),
    ],
)
def test_a_header_made_to_harm_is_reported_as_damage(
    tmp_path: Path, body: bytes, counts: dict[str, int]
) -> None:
    """Counts, lengths and depths out of all proportion are damage: no memory, no endless loop."""
    path = damaged(tmp_path / "hostile.gguf", body, **counts)

    with pytest.raises(InvalidModelError, match="damaged"):
        read_header(path)


def test_an_alignment_that_makes_no_sense_is_ignored(tmp_path: Path) -> None:
    """It counts as not stated."""
    fields = gguf_headers.model() | {"general.alignment": "wide"}

    assert check(gguf_headers.write(tmp_path / "m.gguf", fields)).tensor_count == 1


def test_long_arrays_of_metadata_are_skipped(tmp_path: Path) -> None:
    """One number a layer is kept; a vocabulary is skipped, and what follows it is read."""
    heads = [number % 8 for number in range(1, 129)]
    words = [f"{number:05}" * 9 for number in range(40_000)]
    fields = gguf_headers.model(attention__head_count_kv=heads)
    fields |= {"tokenizer.ggml.tokens": words, "after": "words"}

    metadata = check(gguf_headers.write(tmp_path / "m.gguf", fields)).metadata

    assert metadata["qwen3.attention.head_count_kv"] == heads
    assert (metadata["tokenizer.ggml.tokens"], metadata["after"]) == (40_000, "words")


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("noun", ["model", "adapter"])
def test_a_big_endian_file_is_named_so(version: int, noun: Noun, tmp_path: Path) -> None:
    """Not by the number that its version is when read the other way."""
    path = tmp_path / "big.gguf"
    path.write_bytes(b"GGUF" + struct.pack(">IQQ", version, 1, 1))

    with pytest.raises(InvalidModelError, match="big-endian") as refused:
        read_header(path, noun=noun)

    assert noun in refused.value.remedy


def test_another_version_is_named_by_its_number(tmp_path: Path) -> None:
    """Version 1 and one of the future."""
    for version in (1, 4, 1 << 24):
        path = tmp_path / "old.gguf"
        path.write_bytes(b"GGUF" + struct.pack("<IQQ", version, 1, 1))
        with pytest.raises(InvalidModelError, match=f"version {version},"):
            read_header(path)
