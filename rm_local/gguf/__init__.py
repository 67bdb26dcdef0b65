"""GGUF files without llama.cpp: header, kind, parts, layers, quantization; adapters, merging."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.lazy import export_lazily

if TYPE_CHECKING:
    from rm_local.gguf.architecture import Layer as Layer, ModelShape as ModelShape
    from rm_local.gguf.header import (
        GgufHeader as GgufHeader,
        check_generates as check_generates,
        check_whole as check_whole,
        read_header as read_header,
    )
    from rm_local.gguf.kind import ModelKind as ModelKind, detect_kind as detect_kind
    from rm_local.gguf.lora_file import LoraFile as LoraFile, read_lora_file as read_lora_file
    from rm_local.gguf.lora_fit import (
        hash_file as hash_file,
        identify_lora as identify_lora,
        read_fitting_lora as read_fitting_lora,
    )
    from rm_local.gguf.lora_merge import merge_adapter as merge_adapter
    from rm_local.gguf.merged_header import predict_merged_header as predict_merged_header
    from rm_local.gguf.quantization import name_quantization as name_quantization
    from rm_local.gguf.split_files import (
        GgufFiles as GgufFiles,
        first_part as first_part,
        read_files as read_files,
    )

__getattr__ = export_lazily(
    __name__,
    {
        "architecture": ["Layer", "ModelShape"],
        "header": ["GgufHeader", "check_generates", "check_whole", "read_header"],
        "kind": ["ModelKind", "detect_kind"],
        "lora_file": ["LoraFile", "read_lora_file"],
        "lora_fit": ["hash_file", "identify_lora", "read_fitting_lora"],
        "lora_merge": ["merge_adapter"],
        "merged_header": ["predict_merged_header"],
        "quantization": ["name_quantization"],
        "split_files": ["GgufFiles", "first_part", "read_files"],
    },
)
