"""LoRA adapters as llama.cpp stores them: for each matrix two factors, checked before use."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rm_local.errors import ModelInvalid
from rm_local.gguf.header import check_whole, read_header
from rm_local.gguf.kind import detect_kind

_TYPE, _ALPHA = "adapter.type", "adapter.lora.alpha"
_FACTORS = (".lora_a", ".lora_b")
_AGAIN = "Install or copy it again."

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LoraMatrix:
    """What an adapter adds to one matrix of shape (rows, columns): `scale * b @ a`."""

    a: Matrix
    """(rank, columns)"""
    b: Matrix
    """(rows, rank)"""
    scale: float

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the matrix that it is for."""
        return len(self.b), self.a.shape[1]

    def compute_rows(self, start: int, end: int) -> Matrix:
        """The rows from `start` to before `end`, shape (end - start, columns)."""
        product: Matrix = self.b[start:end] @ self.a
        return product * np.float32(self.scale)


def read_lora(path: Path) -> tuple[str, dict[str, LoraMatrix]]:
    """The architecture that an adapter is for, and what it adds, by the name of the matrix.

    Raises:
        ModelMissing: There is no such file, or it cannot be read.
        ModelInvalid: It is no LoRA adapter, is cut short, or holds what is not a finite number.
    """
    import gguf

    header = read_header(path)
    check_whole(path, header)
    alpha = header.metadata.get(_ALPHA)
    is_adapter = detect_kind(header.metadata, header.tensors) == "adapter"
    if not is_adapter or header.metadata.get(_TYPE) != "lora" or not isinstance(alpha, float):
        raise ModelInvalid(f"{path} is no LoRA adapter.", _AGAIN)
    if not math.isfinite(alpha):
        raise ModelInvalid(f"{path} is damaged: {_ALPHA} is not a number.", _AGAIN)
    try:
        tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    except (LookupError, ValueError, OverflowError) as error:
        raise ModelInvalid(f"{path} is damaged: {error}.", _AGAIN) from error
    names = {name[: -len(_FACTORS[0])] for name in tensors if name.endswith(_FACTORS)}
    if not names or 2 * len(names) != len(tensors):
        raise ModelInvalid(f"{path} holds tensors that are not pairs of LoRA factors.", _AGAIN)
    found = {}
    for name in sorted(names):
        a, b = (_read_factor(path, tensors.get(name + factor)) for factor in _FACTORS)
        if a.shape[0] != b.shape[1]:
            raise ModelInvalid(f"{path} has factors of two ranks for {name}.", _AGAIN)
        # llama.cpp takes an alpha of 0 for one that is not given.
        found[name] = LoraMatrix(a, b, alpha / len(a) if alpha else 1.0)
    return header.architecture, found


def _read_factor(path: Path, tensor: Any) -> Matrix:
    """A factor as float32, shape (rows, columns)."""
    import gguf

    if tensor is None:
        raise ModelInvalid(f"{path} holds tensors that are not pairs of LoRA factors.", _AGAIN)
    try:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    except (NotImplementedError, ValueError) as error:
        raise ModelInvalid(f"{path} is damaged: {tensor.name}: {error}.", _AGAIN) from error
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ModelInvalid(f"{path} is damaged: {tensor.name} is not a matrix of numbers.", _AGAIN)
    factor: Matrix = np.asarray(values, np.float32)
    return factor
