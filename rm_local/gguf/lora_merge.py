"""Merges a base model and a LoRA adapter into one GGUF file with matrices quantized as Q8_0."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rm_local.errors import InvalidModelError
from rm_local.files import create_part_file_to_be_renamed, rename_and_sync_parent, sync_file
from rm_local.gguf.header import check_file_complete
from rm_local.gguf.lora_deltas import LoraDelta, read_lora_deltas
from rm_local.gguf.lora_file import read_and_check_lora_header
from rm_local.gguf.lora_fit import check_lora_compatibility
from rm_local.gguf.merged_header import BLOCK, BLOCK_BYTES
from rm_local.gguf.split_files import read_headers_of_existing_parts

ALIGNMENT = 32
"""Alignment of tensor data in bytes; the default of the GGUF format."""
_SKIPPED = (
    "GGUF.",
    "general.alignment",
    "general.architecture",
    "general.file_type",
    "general.quantization_version",
)
_LARGEST = 127 * 65504
"""Largest absolute value that Q8_0 can store: 127 times the largest float16 scale."""
_CHUNK = 1 << 21
"""Number of values that are dequantized at once; 8 MB of float32."""

Report = Callable[[float], None]


def merge_adapter_as_q8_0(
    base: Path,
    adapter: Path,
    target: Path,
    changes: Mapping[str, str | float | bool],
    *,
    report: Report = lambda _share: None,
) -> None:
    """Merge a LoRA adapter into a base model, and write the result to the new file `target`.

    An incomplete file never has that name.

    The metadata of `base` are copied, with the values in `changes` added or replaced. Matrices
    are quantized as Q8_0; other tensors are copied. `report` is called with the share written, 0
    to 1; an exception in it ends the merge.

    Raises:
        ModelNotFoundError: A file does not exist, or cannot be read.
        InvalidModelError: A file is damaged, or the adapter was made for another model.
        OSError: The target cannot be written.
    """
    import gguf

    files, lora = read_headers_of_existing_parts(base), read_and_check_lora_header(adapter)
    check_file_complete(base, files.header)
    check_lora_compatibility(lora, base, files)
    deltas = read_lora_deltas(lora)
    reader = gguf.GGUFReader(base)
    if stray := deltas.keys() - {each.name for each in reader.tensors if _is_quantizable(each)}:
        raise InvalidModelError(
            f"{adapter} changes {min(stray)}, which cannot be stored as Q8_0.",
            "Name it with --lora.",
        )
    with create_part_file_to_be_renamed(target) as part:
        _write_header(part, reader, changes)
        with part.open("ab") as file:
            _write_tensors(file, reader.tensors, deltas, adapter, report)
        sync_file(part)
        rename_and_sync_parent(part, target)


def _write_header(path: Path, reader: Any, changes: Mapping[str, str | float | bool]) -> None:
    """Write the merged file's header: the base's metadata with `changes`, and the tensor table."""
    import gguf

    writer = gguf.GGUFWriter(path, str(reader.fields["general.architecture"].contents()))
    for key, field in reader.fields.items():
        if not key.startswith(_SKIPPED) and key not in changes:
            kind = field.types[0]
            inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(key, field.contents(), kind, sub_type=inner)
    for key, value in changes.items():
        _add_metadata_value(writer, key, value)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    q8_0 = gguf.GGMLQuantizationType.Q8_0
    for tensor in reader.tensors:
        if _is_quantizable(tensor):
            size = int(tensor.n_elements) // BLOCK * BLOCK_BYTES
            writer.add_tensor_info(
                tensor.name, _reverse_shape(tensor), np.dtype(np.float32), size, q8_0
            )
        else:
            data = tensor.data
            writer.add_tensor_info(
                tensor.name, data.shape, data.dtype, data.nbytes, tensor.tensor_type
            )
    with closing(writer):
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()


def _write_tensors(
    file: io.BufferedWriter,
    tensors: Any,
    deltas: Mapping[str, LoraDelta],
    adapter: Path,
    report: Report,
) -> None:
    """Append the merged data of all tensors to the file, one chunk of rows at a time."""
    total, written = sum(int(tensor.n_elements) for tensor in tensors), 0
    _pad_to_alignment(file)
    for tensor in tensors:
        for count, packed in _yield_value_counts_and_merged_bytes(
            tensor, deltas.get(tensor.name), adapter
        ):
            report(written / total)
            file.write(packed)
            written += count
        _pad_to_alignment(file)
    report(1.0)


def _yield_value_counts_and_merged_bytes(
    tensor: Any, delta: LoraDelta | None, adapter: Path
) -> Iterator[tuple[int, bytes]]:
    """Yield a tensor's merged data in chunks: the number of values, and their bytes in the file.

    A quantizable matrix becomes Q8_0, after `delta`, if any, is added; other tensors are copied.

    Raises:
        InvalidModelError: A changed value is not finite, or too large.
    """
    import gguf

    if not _is_quantizable(tensor):
        yield int(tensor.n_elements), np.ascontiguousarray(tensor.data).tobytes()
        return
    rows = len(tensor.data)
    step = max(1, _CHUNK * rows // int(tensor.n_elements))
    for start in range(0, rows, step):
        values: NDArray[np.float32] = gguf.quants.dequantize(
            tensor.data[start : start + step], tensor.tensor_type
        )
        if delta is not None:
            values = values + delta.compute_rows(start, start + step)
            if not np.abs(values).max() <= _LARGEST:
                raise InvalidModelError(
                    f"{adapter} is damaged: its values for {tensor.name} are not finite, or too "
                    "large.",
                    "Install or copy it again.",
                )
        packed = gguf.quants.quantize(
            np.ascontiguousarray(values, np.float32), gguf.GGMLQuantizationType.Q8_0
        )
        yield values.size, packed.tobytes()


def _is_quantizable(tensor: Any) -> bool:
    """Return whether a tensor is a matrix whose rows divide into Q8_0 blocks of 32 values."""
    return len(tensor.shape) > 1 and int(tensor.shape[0]) % BLOCK == 0


def _reverse_shape(tensor: Any) -> tuple[int, ...]:
    """Return the tensor's shape with the number of rows first; GGUF states columns first."""
    return tuple(int(size) for size in reversed(tensor.shape))


def _pad_to_alignment(file: io.BufferedWriter) -> None:
    """Write zero bytes up to the next multiple of ALIGNMENT."""
    file.write(bytes(-file.tell() % ALIGNMENT))


def _add_metadata_value(writer: Any, key: str, value: str | float | bool) -> None:
    match value:
        case bool():
            writer.add_bool(key, value)
        case float():
            writer.add_float32(key, value)
        case int():
            writer.add_uint32(key, value)
        case _:
            writer.add_string(key, value)
