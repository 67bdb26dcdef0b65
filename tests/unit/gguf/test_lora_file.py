"""LoRA adapters are read and compared with a model before llama.cpp sees them."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from rm_local.errors import EngineError, InvalidModelError, ModelNotFoundError
from rm_local.gguf import (
    check_is_text_model,
    read_and_check_adapter_headers,
    read_and_check_lora_header,
    read_header,
    read_headers_of_existing_parts,
)
from rm_local.lora import LoraAdapter
from tests.support import bad_models, gguf_headers, lora_files, tiny_gguf
from tests.support.lora_files import ALPHA, QUERY


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base model."""
    return tiny_gguf.write(tmp_path_factory.mktemp("model") / "base.gguf")


def refuse(path: Path, model: Path, scale: float = 1.0) -> EngineError:
    """The error of an adapter that is to be loaded with the model."""
    with pytest.raises(EngineError) as caught:
        read_and_check_adapter_headers(
            [LoraAdapter(str(path), scale)], model, read_headers_of_existing_parts(model)
        )
    assert caught.value.remedy, "an error says what to do"
    return caught.value


def test_an_adapter_is_read_from_its_header(model: Path, tmp_path: Path) -> None:
    """Rank, alpha, matrices, bytes, base model and calculator."""
    path = lora_files.write(
        tmp_path / "a.gguf", model, rank=3, alpha=6, base="tiny", calculator=True
    )

    read = read_and_check_lora_header(path)

    assert (read.architecture, read.distinct_ranks, read.alpha) == ("qwen3", (3,), 6.0)
    assert (read.base_description, read.trained_with_calculator) == ("tiny", True)
    assert (len(read.pairs), read.tensor_count) == (6, 12)
    width, inner = 64, 96
    assert read.weight_bytes == read.total_layer_bytes == 2 * 2 * 3 * (4 * width + width + inner)
    assert read.size == path.stat().st_size


def test_an_adapter_fits_the_model_that_it_was_made_for(model: Path, tmp_path: Path) -> None:
    """All matrices of the table are found, also those of a model in several files."""
    path = lora_files.write(tmp_path / "a.gguf", model)
    adapters = [LoraAdapter(str(path), 0.5)]
    first = bad_models.split(tmp_path)[0]

    assert (
        len(read_and_check_adapter_headers(adapters, model, read_headers_of_existing_parts(model)))
        == 1
    )
    assert (
        len(read_and_check_adapter_headers(adapters, first, read_headers_of_existing_parts(first)))
        == 1
    )


def test_token_embeddings_are_changed_with_both_matrices_exchanged(
    model: Path, tmp_path: Path
) -> None:
    """As llama.cpp has it: .lora_a holds a row for each token."""
    words = {entry.name: entry for entry in read_header(model, table=True).table}
    width, tokens, *_ = words["token_embd.weight"].sizes

    def embeddings(a: tuple[int, int], b: tuple[int, int]) -> Path:
        def add(writer: gguf.GGUFWriter) -> None:
            writer.add_tensor("token_embd.weight.lora_a", np.ones(a, np.float32))
            writer.add_tensor("token_embd.weight.lora_b", np.ones(b, np.float32))

        return lora_files.write(tmp_path / "e.gguf", model, matrices=(), change=add)

    fits = embeddings((tokens, 2), (width, 2))
    assert read_and_check_adapter_headers(
        [LoraAdapter(str(fits))], model, read_headers_of_existing_parts(model)
    )[0].distinct_ranks == (2,)
    assert "whose ranks differ" in refuse(embeddings((tokens, 2), (width, 3)), model).message
    assert "does not fit" in refuse(embeddings((tokens + 1, 2), (width, 2)), model).message


def tensor(name: str, *shape: int, of: type = np.float32) -> Callable[[gguf.GGUFWriter], None]:
    """Adds a tensor of ones; the shape as numpy has it."""
    return lambda writer: writer.add_tensor(name, np.ones(shape, of))


def pair(name: str, width: int, height: int) -> Callable[[gguf.GGUFWriter], None]:
    """Adds both tensors of a change, of rank 2."""

    def change(writer: gguf.GGUFWriter) -> None:
        tensor(f"{name}.lora_a", 2, width)(writer)
        tensor(f"{name}.lora_b", height, 2)(writer)

    return change


def value(key: str, add: str, what: Any) -> Callable[[gguf.GGUFWriter], None]:
    """Sets a key in the place of the one that is there."""

    def change(writer: gguf.GGUFWriter) -> None:
        writer.kv_data[0].pop(key, None)
        getattr(writer, add)(key, what)

    return change


A, B = f"{QUERY}.lora_a", f"{QUERY}.lora_b"
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "architecture": ({"architecture": "llama"}, "was made for the architecture llama"),
    "no b": ({"skip": (B,)}, f"holds {QUERY}.lora_a without .lora_b"),
    "no a": ({"skip": (A,)}, f"holds {QUERY}.lora_b without .lora_a"),
    "no matrices": ({"matrices": ()}, "holds no matrices"),
    "width": ({"skip": (A,), "change": tensor(A, 2, 32)}, "attn_q.weight of 32 x 64"),
    "height": ({"skip": (B,), "change": tensor(B, 65, 2)}, "attn_q.weight of 64 x 65"),
    "ranks": ({"skip": (B,), "change": tensor(B, 64, 3)}, "whose ranks differ"),
    "whole numbers": ({"skip": (B,), "change": tensor(B, 64, 2, of=np.int32)}, "ggml type 26"),
    "doubles": ({"skip": (B,), "change": tensor(B, 64, 2, of=np.float64)}, "ggml type 28"),
    "other matrix": ({"change": pair("blk.9.x", 8, 8)}, "changes blk.9.x, which"),
    "other tensor": ({"change": tensor("blk.0.attn_q.bias", 8)}, "is not part of a LoRA adapter"),
    "no name": ({"change": tensor(".lora_a", 2, 8)}, "is not part of a LoRA adapter"),
    "alpha nan": ({"alpha": math.nan}, f"{ALPHA} is nan"),
    "alpha inf": ({"alpha": math.inf}, f"{ALPHA} is inf"),
    "alpha double": ({"change": value(ALPHA, "add_float64", 4.0)}, "not a finite 32-bit float"),
    "alpha text": ({"change": value(ALPHA, "add_string", "4")}, "not a finite 32-bit float"),
    "alpha whole": ({"change": value(ALPHA, "add_uint32", 4)}, "not a finite 32-bit float"),
    "type": ({"change": value("adapter.type", "add_string", "ia3")}, "of the type 'ia3'"),
    "type number": ({"change": value("adapter.type", "add_uint32", 1)}, "of the type '1'"),
    "kind": ({"change": value("general.type", "add_string", "mmproj")}, "not a LoRA adapter"),
    "no architecture": (
        {"change": value("general.architecture", "add_string", "")}, "for which architecture",
    ),
    "aLoRA": (
        {"change": value("adapter.alora.invocation_tokens", "add_array", [1, 2])}, "aLoRA",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_an_adapter_that_does_not_fit_is_refused_by_its_header(
    what: str, model: Path, tmp_path: Path
) -> None:
    """With one message that names the file and what is wrong with it."""
    how, said = WRONG[what]
    path = lora_files.write(tmp_path / "a.gguf", model, **how)

    error = refuse(path, model)

    assert isinstance(error, InvalidModelError)
    assert str(path) in error.message
    assert said in error.message


@pytest.mark.parametrize("scale", [math.nan, math.inf, 3e38])
def test_a_scale_that_gives_no_finite_number_is_refused(
    scale: float, model: Path, tmp_path: Path
) -> None:
    """By itself, or multiplied by alpha / rank."""
    path = lora_files.write(tmp_path / "a.gguf", model, rank=2, alpha=100)
    error = refuse(path, model, scale)
    assert isinstance(error, InvalidModelError)
    assert "not a finite number" in error.message


def test_a_file_that_is_cut_anywhere_is_refused(model: Path, tmp_path: Path) -> None:
    """In its header or in its weights, never with another error."""
    whole = lora_files.write(tmp_path / "a.gguf", model).read_bytes()
    path = tmp_path / "cut.gguf"
    for length in [*range(0, len(whole) - 1, 211), len(whole) - 1]:
        path.write_bytes(whole[:length])
        error = refuse(path, model)
        assert isinstance(error, InvalidModelError)
        assert "cut short" in error.message or "is empty" in error.message


def test_data_that_overlap_are_refused(model: Path, tmp_path: Path) -> None:
    """Each tensor's data have to follow those of the one before it, as llama.cpp reads them."""
    path = lora_files.write(tmp_path / "a.gguf", model, matrices=("attn_q",))
    data = bytearray(path.read_bytes())
    name = f"{QUERY}.lora_b".encode()
    at = data.index(name) + len(name) + 4 + 2 * 8 + 4
    data[at : at + 8] = struct.pack("<Q", 0)
    path.write_bytes(data)
    assert f"{QUERY}.lora_b is misplaced" in refuse(path, model).message


def test_garbled_headers_are_refused_or_read(model: Path, tmp_path: Path) -> None:
    """Whatever a byte of the header is changed to, the only errors are those with a remedy."""
    whole = lora_files.write(tmp_path / "a.gguf", model, matrices=("attn_q",)).read_bytes()
    random = np.random.default_rng(0)
    path = tmp_path / "garbled.gguf"
    remedies = []
    for _ in range(400):
        data = bytearray(whole)
        data[random.integers(4, 700)] ^= 1 << random.integers(8)
        path.write_bytes(data)
        try:
            read_and_check_adapter_headers(
                [LoraAdapter(str(path))], model, read_headers_of_existing_parts(model)
            )
        except EngineError as error:
            remedies.append(error.remedy)
    assert len(remedies) > 100
    assert all(remedies)


def test_a_missing_adapter_is_called_an_adapter(model: Path, tmp_path: Path) -> None:
    """The message is about the adapter, not about the model."""
    error = refuse(tmp_path / "none.gguf", model)
    assert isinstance(error, ModelNotFoundError)
    assert error.message.startswith("The adapter ")


def test_a_file_of_another_kind_is_refused(model: Path, tmp_path: Path) -> None:
    """A PEFT adapter is to be converted."""
    path = tmp_path / "adapter_model.safetensors"
    path.write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{}")
    error = refuse(path, model)
    assert "is not a GGUF file" in error.message
    assert "convert_lora_to_gguf.py" in error.remedy


def test_a_model_in_the_place_of_an_adapter_is_refused(model: Path) -> None:
    """The remedy names the option for models."""
    error = refuse(model, model)
    assert "is a model, not a LoRA adapter" in error.message
    assert "--model" in error.remedy


def test_an_adapter_in_the_place_of_a_model_is_refused(model: Path, tmp_path: Path) -> None:
    """The remedy names the option for adapters."""
    path = lora_files.write(tmp_path / "a.gguf", model)
    with pytest.raises(InvalidModelError, match="is an adapter, not a model") as caught:
        check_is_text_model(path, read_header(path))
    assert "--lora" in caught.value.remedy


def test_names_of_a_hostile_file_do_not_fill_the_screen(model: Path, tmp_path: Path) -> None:
    """A name is cut, and control characters in it are not shown."""
    name = "x\x1b[2J" * 5000
    path = gguf_headers.write(
        tmp_path / "a.gguf",
        {"general.type": "adapter", "general.architecture": "qwen3", "adapter.type": "lora"},
        {f"{name}.lora_a": (8, 2)},
    )
    error = refuse(path, model)
    assert len(error.message) < 400 + len(str(path))
    assert "\x1b" not in error.message


def test_changed_norms_are_left_out_as_llama_cpp_does(model: Path, tmp_path: Path) -> None:
    """The adapter is usable without them."""
    norm = tensor("blk.0.attn_norm.weight", 64)
    path = lora_files.write(tmp_path / "a.gguf", model, change=norm)
    read = read_and_check_adapter_headers(
        [LoraAdapter(str(path))], model, read_headers_of_existing_parts(model)
    )[0]
    assert (len(read.pairs), read.tensor_count) == (6, 13)
