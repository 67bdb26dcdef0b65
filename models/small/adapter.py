"""The adapter as llama.cpp's LoRA file: written after training, read to go on from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import torch

from models.small.network import Network, list_adapters
from models.small.read_base import count_heads, join_rotary, split_rotary
from rm_local.library import BASE_SHA256, SMOLLM2_SHA256

NAME = "rm-small"
_SECONDS, _TOKENS, _STEPS, _SEED = (
    f"rm_local.training.{key}" for key in ("seconds", "tokens", "steps", "seed")
)
CALCULATOR = "rm_local.calculator"


@dataclass(slots=True)
class Trained:
    """How much a model has been trained, over all sittings."""

    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    seed: int = 0


def write_adapter(model: Network, trained: Trained, path: Path) -> None:
    """Write the adapters in float16; the file appears whole or not at all."""
    part = path.with_suffix(".part")
    writer = gguf.GGUFWriter(part, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_name(NAME)
    writer.add_license("apache-2.0")
    writer.add_string(BASE_SHA256, SMOLLM2_SHA256)
    writer.add_bool(CALCULATOR, True)
    writer.add_uint32(_STEPS, trained.steps)
    writer.add_uint64(_TOKENS, trained.tokens)
    writer.add_float32(_SECONDS, trained.seconds)
    writer.add_uint32(_SEED, trained.seed)
    heads = count_heads(model.shape)
    for number, (name, lora) in enumerate(list_adapters(model)):
        if number == 0:
            writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, lora.scale * lora.a.shape[0])
        a, b = (p.detach().float().cpu().numpy() for p in (lora.a, lora.b))
        for matrix, count in heads.items():
            if f".{matrix}." in name:
                b = join_rotary(b, count)
        writer.add_tensor(f"{name}.lora_a", np.ascontiguousarray(a, np.float16))
        writer.add_tensor(f"{name}.lora_b", np.ascontiguousarray(b, np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.replace(path)


def read_adapter(model: Network, path: Path) -> Trained:
    """Put a file's adapters into the model, and say how much they were trained.

    Raises:
        ValueError: The file is for another base, or its matrices have other shapes.
    """
    reader = gguf.GGUFReader(path)
    if reader.fields[BASE_SHA256].contents() != SMOLLM2_SHA256:
        raise ValueError(f"{path} was trained on another base.")
    tensors = {tensor.name: np.asarray(tensor.data) for tensor in reader.tensors}
    heads = count_heads(model.shape)
    with torch.no_grad():
        for name, lora in list_adapters(model):
            a, b = tensors[f"{name}.lora_a"], tensors[f"{name}.lora_b"]
            for matrix, count in heads.items():
                if f".{matrix}." in name:
                    b = split_rotary(b, count)
            for parameter, values in ((lora.a, a), (lora.b, b)):
                if parameter.shape != values.shape:
                    raise ValueError(f"{path}: {name} has another rank.")
                parameter.copy_(torch.from_numpy(values.astype(np.float32)))
    return Trained(
        steps=int(reader.fields[_STEPS].contents()),
        tokens=int(reader.fields[_TOKENS].contents()),
        seconds=float(reader.fields[_SECONDS].contents()),
        seed=int(reader.fields[_SEED].contents()),
    )
