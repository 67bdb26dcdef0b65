"""Makes LoRA adapters of random weights for a model, and damaged ones.

python -m tests.support.lora_files MODEL ADAPTER
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from rm_local.gguf.header import read_header

ALPHA = "adapter.lora.alpha"
QUERY = "blk.0.attn_q.weight"


def write(
    path: Path,
    model: Path,
    *,
    rank: int = 2,
    alpha: float = 4.0,
    strength: float = 0.3,
    matrices: Sequence[str] = ("attn_q", "attn_v", "ffn_down"),
    calculator: bool | None = None,
    base: str = "",
    seed: int = 0,
    change: Callable[[gguf.GGUFWriter], Any] = lambda _writer: None,
    skip: Sequence[str] = (),
    architecture: str = "",
) -> Path:
    """An adapter of these matrices in all layers of `model`, which really changes what it writes.

    `skip`: names of tensors to leave out. `change` adds to the file, or changes what is in it.
    """
    header = read_header(model, table=True)
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, architecture or header.architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32(ALPHA, alpha)
    if calculator is not None:
        writer.add_bool("rm_local.calculator", calculator)
    if base:
        writer.add_string("general.base_model.0.name", base)
    for entry in header.table:
        if not any(f".{name}." in entry.name for name in matrices):
            continue
        for part, size in (("a", (rank, entry.sizes[0])), ("b", (entry.sizes[1], rank))):
            if (name := f"{entry.name}.lora_{part}") not in skip:
                values = random.standard_normal(size, dtype=np.float32) * strength
                writer.add_tensor(name, values.astype(np.float16))
    change(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


if __name__ == "__main__":
    write(Path(sys.argv[2]), Path(sys.argv[1]), matrices=("attn_q",))
