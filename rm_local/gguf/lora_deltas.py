"""Reads the weights of a LoRA adapter whose header `read_and_check_lora_header` has checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rm_local.errors import InvalidModelError
from rm_local.gguf.lora_file import LoraHeader, LoraPair

_AGAIN = "Install or copy it again."

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LoraDelta:
    """The change that a LoRA adapter adds to one matrix (rows, columns): `scale * b @ a`."""

    a: Matrix
    """Factor A of the change `b @ a`: an array (rank, columns)."""
    b: Matrix
    """Factor B of the change `b @ a`: an array (rows, rank)."""
    scale: float
    """Alpha divided by the rank; 1 if the adapter has no alpha."""

    def compute_rows(self, start: int, end: int) -> Matrix:
        """Compute the change of the rows `start` to `end` - 1: an array (end - start, columns)."""
        product: Matrix = self.b[start:end] @ self.a
        return product * np.float32(self.scale)


def read_lora_deltas(file: LoraHeader) -> dict[str, LoraDelta]:
    """Read all changes of a LoRA adapter: name of a matrix in the base model -> its change.

    Raises:
        InvalidModelError: The file is damaged, or a changed tensor is not a plain matrix.
    """
    import gguf

    try:
        tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(file.path).tensors}
    except (LookupError, ValueError, OverflowError) as error:
        raise InvalidModelError(f"{file.path} is damaged: {error}.", _AGAIN) from error
    found = {}
    for name, pair in file.pairs.items():
        _check_is_mergeable_matrix(file, name, pair)
        a, b = (_read_factor(file, tensors[entry.name]) for entry in (pair.a, pair.b))
        found[name] = LoraDelta(a, b, file.alpha / pair.rank if file.alpha else 1.0)
    return found


def _check_is_mergeable_matrix(file: LoraHeader, name: str, pair: LoraPair) -> None:
    """Check that the tensor `name`, which the adapter changes, can be merged.

    Raises:
        InvalidModelError: The tensor is a stack of matrices, or the table of token embeddings,
            whose factors A and B are stored in exchanged roles.
    """
    if pair.changed[2:] != (1, 1) or name.endswith("token_embd.weight"):
        raise InvalidModelError(
            f"{file.path} changes {name}, which cannot be merged.", "Name it with --lora."
        )


def _read_factor(file: LoraHeader, tensor: Any) -> Matrix:
    """Read a factor (A or B) of a change as a float32 array (rows, columns).

    Raises:
        InvalidModelError: A value is not finite, or the data do not fit the stated type.
    """
    import gguf

    try:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    except (NotImplementedError, ValueError) as error:
        raise InvalidModelError(
            f"{file.path} is damaged: {tensor.name}: {error}.", _AGAIN
        ) from error
    if not np.isfinite(values).all():
        raise InvalidModelError(
            f"{file.path} is damaged: {tensor.name} has values that are not finite.", _AGAIN
        )
    factor: Matrix = np.atleast_2d(np.asarray(values, np.float32))
    return factor
