"""What a model is, from its header alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rm_local.engine.families.detect import detect_chat_format
from rm_local.errors import InvalidModelError, ModelNotFoundError
from rm_local.library import model_file
from tests.support import gguf_headers, tiny_gguf


def test_a_whole_model_is_described(tmp_path: Path) -> None:
    """Sizes are counted from the tensors, the rest is read from the metadata."""
    path = tiny_gguf.write(tmp_path / "tiny.gguf")

    read = model_file.read_model_description(path)

    assert (read.title, read.architecture, read.kind) == ("tiny", "qwen3", "text")
    assert (read.quantisation, read.trained_context, read.tokenizer) == ("F16", 2048, "gpt2 qwen2")
    assert read.parameters == 267 * 64 + 64 + 2 * (4 * 64 * 64 + 3 * 64 * 96 + 2 * 64 + 2 * 16)
    assert read.size == path.stat().st_size
    assert read.size * 0.9 < read.weight_bytes < read.size
    assert read.total_layer_bytes < read.weight_bytes
    assert (len(read.shape.layers), read.shape.width, read.shape.inner) == (2, 64, 96)
    assert read.thinks
    model_file.require_loadable(read)


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({}, "text"),
        ({"general.architecture": "bert"}, "embedder"),
        ({"general.architecture": "nomic-bert"}, "embedder"),
        ({"qwen3.pooling_type": 3}, "embedder"),
        ({"qwen3.attention.causal": False}, "embedder"),
        ({"general.architecture": "clip"}, "projector"),
        ({"general.type": "mmproj"}, "projector"),
        ({"general.type": "adapter"}, "adapter"),
        ({"general.type": "imatrix"}, "other"),
        ({"general.architecture": "t5"}, "other"),
    ],
)
def test_kinds_of_models_are_distinguished(tmp_path: Path, more: dict[str, Any], kind: str) -> None:
    """Only a text model is usable; the reason says what the file is instead."""
    read = model_file.read_model_description(
        gguf_headers.write(tmp_path / "m.gguf", gguf_headers.model() | more)
    )

    assert read.kind == kind
    if kind != "text":
        with pytest.raises(InvalidModelError):
            model_file.require_loadable(read)


def test_a_vocabulary_alone_is_no_model(tmp_path: Path) -> None:
    """A file without tensors is no model."""
    read = model_file.read_model_description(
        gguf_headers.write(tmp_path / "v.gguf", gguf_headers.model(), {})
    )

    assert read.kind == "vocabulary"


def split(folder: Path, count: int = 3) -> list[Path]:
    """A split model, whose first file holds no tensors."""
    parts = []
    for number in range(count):
        added = {"split.no": number, "split.count": count}
        metadata = gguf_headers.model() | added if number == 0 else added
        tensors = {} if number == 0 else {f"blk.{number}.w": (64, 64)}
        name = f"Big-Q4_K_M-{number + 1:05}-of-{count:05}.gguf"
        parts.append(gguf_headers.write(folder / name, metadata, tensors))
    return parts


def test_a_split_model_is_one(tmp_path: Path) -> None:
    """Any of its files stands for all; sizes are of all."""
    parts = split(tmp_path)

    for part in parts:
        read = model_file.read_model_description(part)
        assert read.path == parts[0]
        assert read.files == tuple(parts)
        assert (read.kind, read.parameters, read.missing) == ("text", 2 * 64 * 64, ())
        model_file.require_loadable(read)


def test_missing_parts_are_named(tmp_path: Path) -> None:
    """A split model that is not whole can be looked at and not used."""
    parts = split(tmp_path)
    parts[1].unlink()

    read = model_file.read_model_description(parts[0])

    assert read.missing == (parts[1].name,)
    with pytest.raises(ModelNotFoundError, match="00002-of-00003"):
        model_file.require_loadable(read)


def test_a_part_that_is_cut_short_is_not_used(tmp_path: Path) -> None:
    """Each file is checked, not the first alone."""
    parts = split(tmp_path)
    parts[2].write_bytes(parts[2].read_bytes()[:-100])

    with pytest.raises(InvalidModelError, match=r"00003-of-00003\.gguf is cut short"):
        model_file.require_loadable(model_file.read_model_description(parts[0]))


@pytest.mark.parametrize(
    ("name", "template", "thinks"),
    [
        ("tiny", "{{ m }}<think>", True),
        ("tiny", "{% if enable_thinking is defined %}", True),
        ("tiny", "<|start|>assistant<|channel|>analysis<|message|>", True),
        ("tiny", "◁think▷", True),
        ("tiny", "<|im_start|>assistant", False),
        ("Qwen3-4B-Instruct-2507", "{% if enable_thinking %}<think>", False),
        ("tiny", "", False),
    ],
)
def test_the_header_says_whether_the_model_thinks(
    tmp_path: Path, name: str, template: str, thinks: bool
) -> None:
    """As the engine will find, by the one table of families."""
    metadata = gguf_headers.model() | {"general.name": name, "tokenizer.chat_template": template}

    read = model_file.read_model_description(gguf_headers.write(tmp_path / "m.gguf", metadata))

    assert (bool(read.template), read.thinks) == (bool(template), thinks)
    assert detect_chat_format(metadata, file="m").thinks == thinks


@pytest.mark.parametrize(
    ("added", "words"),
    [({"general.file_type": 7}, "Q8_0"), ({"general.file_type": 999}, "F16"), ({}, "F16")],
)
def test_the_quantization_is_read_or_derived(
    tmp_path: Path, added: dict[str, Any], words: str
) -> None:
    """What the file says; or else what most values are stored as."""
    metadata = {key: v for key, v in gguf_headers.model().items() if key != "general.file_type"}

    assert (
        model_file.read_model_description(
            gguf_headers.write(tmp_path / "m.gguf", metadata | added)
        ).quantisation
        == words
    )


@pytest.mark.parametrize("value", ["text", 0, [1, 2], ["a"], True, 1.5, 4_000_000_000])
def test_metadata_of_the_wrong_kind_give_no_traceback(tmp_path: Path, value: Any) -> None:
    """Any value at any key gives a model with less in it, never a traceback."""
    for key in gguf_headers.model():
        path = gguf_headers.write(tmp_path / "m.gguf", gguf_headers.model() | {key: value})
        try:
            read = model_file.read_model_description(path)
        except InvalidModelError:
            continue
        assert read.trained_context >= 0
        assert len(read.shape.layers) <= 512


def test_terminal_control_in_names_is_gone(tmp_path: Path) -> None:
    """The title and the architecture are safe to print."""
    metadata = gguf_headers.model() | {"general.name": "\x1b[2Jevil\nname"}

    assert (
        model_file.read_model_description(gguf_headers.write(tmp_path / "m.gguf", metadata)).title
        == "evil name"
    )
