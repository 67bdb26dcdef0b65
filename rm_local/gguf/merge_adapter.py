"""A base model and a LoRA adapter as one GGUF: weights added once, quantised as Q8_0."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rm_local.errors import ModelInvalid

_ALPHA = "adapter.lora.alpha"
_SKIPPED = ("GGUF.", "general.architecture", "general.quantization_version", "general.file_type")


def merge_adapter(base: Path, adapter: Path, target: Path, changes: Mapping[str, Any]) -> None:
    """Write the merged model to `target`, which appears whole or not at all.

    `changes` are metadata, texts, floats or booleans, that take the place of the base's. Matrices
    become Q8_0, whatever the base has; other tensors stay as they are. Takes about as much memory
    as the merged file.

    Raises:
        ModelInvalid: The adapter has a matrix that the base has not, or one of another shape.
    """
    import gguf

    reader, added = gguf.GGUFReader(base), _read_deltas(adapter)
    part = target.with_suffix(".part")
    writer = gguf.GGUFWriter(part, str(reader.fields["general.architecture"].contents()))
    for key, field in reader.fields.items():
        if not key.startswith(_SKIPPED) and key not in changes:
            _copy_field(writer, field)
    for key, value in changes.items():
        _add_value(writer, key, value)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    for tensor in reader.tensors:
        delta = added.pop(tensor.name, None)
        quantised = tensor.data.ndim > 1
        if not quantised:
            writer.add_tensor(tensor.name, np.asarray(tensor.data))
            continue
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        if delta is not None:
            values = values + delta.compute(adapter, tensor.name, values.shape)
        q8_0 = gguf.GGMLQuantizationType.Q8_0
        packed = gguf.quants.quantize(np.asarray(values, np.float32), q8_0)
        writer.add_tensor(tensor.name, packed, raw_dtype=q8_0)
    if added:
        raise ModelInvalid(f"{adapter} changes {min(added)}, which {base} does not have.", "")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.replace(target)


class _Delta:
    """What an adapter adds to one matrix."""

    def __init__(self, scale: float) -> None:
        self.a: np.ndarray | None = None
        self.b: np.ndarray | None = None
        self._alpha = scale

    def compute(self, adapter: Path, name: str, shape: tuple[int, ...]) -> np.ndarray:
        if self.a is None or self.b is None or (len(self.b), self.a.shape[1]) != shape:
            raise ModelInvalid(f"{adapter} does not fit: {name} has the shape {shape}.", "")
        a, b = self.a.astype(np.float32), self.b.astype(np.float32)
        return b @ a * np.float32(self._alpha / len(a))


def _read_deltas(path: Path) -> dict[str, _Delta]:
    import gguf

    reader = gguf.GGUFReader(path)
    alpha = float(reader.fields[_ALPHA].contents())
    found: dict[str, _Delta] = {}
    for tensor in reader.tensors:
        name, _, part = tensor.name.rpartition(".lora_")
        delta = found.setdefault(name, _Delta(alpha))
        setattr(delta, part, np.asarray(tensor.data))
    return found


def _copy_field(writer: Any, field: Any) -> None:
    import gguf

    kind = field.types[0]
    inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
    writer.add_key_value(field.name, field.contents(), kind, sub_type=inner)


def _add_value(writer: Any, key: str, value: Any) -> None:
    match value:
        case bool():
            writer.add_bool(key, value)
        case float():
            writer.add_float32(key, value)
        case int():
            writer.add_uint32(key, value)
        case _:
            writer.add_string(key, str(value))
