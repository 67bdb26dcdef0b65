"""Makes LoRA adapters of random numbers for a model, in llama.cpp's format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np

from rm_local.library import BASE_SHA256, SMOLLM2_SHA256

Factors = dict[str, np.ndarray[tuple[int, ...], np.dtype[np.floating]]]


def make_factors(base: Path, *, rank: int = 2, size: float = 0.3, seed: int = 0) -> Factors:
    """Factors for all matrices of the layers of `base`; `size` is that of what they add."""
    draw = np.random.default_rng(seed)
    found: Factors = {}
    for tensor in gguf.GGUFReader(base).tensors:
        if tensor.name.startswith("blk.") and len(tensor.shape) == 2:
            columns, rows = (int(each) for each in tensor.shape)
            a = draw.normal(0, size / np.sqrt(columns), (rank, columns))
            found[f"{tensor.name}.lora_a"] = a.astype(np.float16)
            found[f"{tensor.name}.lora_b"] = draw.normal(0, 1, (rows, rank)).astype(np.float16)
    return found


def write_adapter(
    path: Path,
    factors: Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.floating]]],
    *,
    architecture: str = "qwen3",
    kind: str = "adapter",
    alpha: float = 1.0,
    trained_on: str = SMOLLM2_SHA256,
) -> Path:
    """Write the factors under their names."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type(kind)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
    writer.add_string(BASE_SHA256, trained_on)
    for name, values in factors.items():
        writer.add_tensor(name, np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
