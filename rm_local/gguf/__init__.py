"""Reads GGUF files without llama.cpp (header, kind, split files, quantization), merges adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.lazy import export_lazily

if TYPE_CHECKING:
    from rm_local.gguf.architecture import (
        LayerCacheShape as LayerCacheShape,
        ModelShape as ModelShape,
    )
    from rm_local.gguf.header import (
        TOKENS as TOKENS,
        GgufHeader as GgufHeader,
        check_file_complete as check_file_complete,
        check_is_ordinary_file as check_is_ordinary_file,
        check_is_text_model as check_is_text_model,
        read_header as read_header,
    )
    from rm_local.gguf.kind import ModelKind as ModelKind, detect_kind as detect_kind
    from rm_local.gguf.lora_file import (
        LoraHeader as LoraHeader,
        read_and_check_lora_header as read_and_check_lora_header,
    )
    from rm_local.gguf.lora_fit import (
        add_missing_adapter_hash_if_readable as add_missing_adapter_hash_if_readable,
        hash_adapter_file as hash_adapter_file,
        read_and_check_adapter_headers as read_and_check_adapter_headers,
    )
    from rm_local.gguf.lora_merge import merge_adapter_as_q8_0 as merge_adapter_as_q8_0
    from rm_local.gguf.merged_header import predict_merged_header as predict_merged_header
    from rm_local.gguf.quantization import name_quantization as name_quantization
    from rm_local.gguf.split_files import (
        GgufFiles as GgufFiles,
        read_headers_of_existing_parts as read_headers_of_existing_parts,
        resolve_first_part_path as resolve_first_part_path,
    )

__getattr__ = export_lazily(
    __name__,
    {
        "architecture": ["LayerCacheShape", "ModelShape"],
        "header": [
            "TOKENS",
            "GgufHeader",
            "check_is_text_model",
            "check_file_complete",
            "check_is_ordinary_file",
            "read_header",
        ],
        "kind": ["ModelKind", "detect_kind"],
        "lora_file": ["LoraHeader", "read_and_check_lora_header"],
        "lora_fit": [
            "hash_adapter_file",
            "add_missing_adapter_hash_if_readable",
            "read_and_check_adapter_headers",
        ],
        "lora_merge": ["merge_adapter_as_q8_0"],
        "merged_header": ["predict_merged_header"],
        "quantization": ["name_quantization"],
        "split_files": ["GgufFiles", "resolve_first_part_path", "read_headers_of_existing_parts"],
    },
)
