"""Runs language models: a client in this process, and a worker process with llama.cpp.

`Engine` is the client; `protocol` defines the messages between client and worker. Only `worker`
imports llama_cpp. `families` describes the chat formats of models, `placement` plans memory,
`constraints` translates JSON schemas to grammars, `calculator` evaluates expressions in a model's
text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.lazy import export_lazily

if TYPE_CHECKING:
    from rm_local.engine.branches import (
        BranchEnded as BranchEnded,
        BranchEvent as BranchEvent,
        BranchSpec as BranchSpec,
        ContextOverflowReport as ContextOverflowReport,
        ContextUsage as ContextUsage,
        EvaluatedTokenCounts as EvaluatedTokenCounts,
        Part as Part,
        SampledToken as SampledToken,
        SamplingParameters as SamplingParameters,
        TokenChunk as TokenChunk,
    )
    from rm_local.engine.calculator import evaluate_expression as evaluate_expression
    from rm_local.engine.client import Engine as Engine
    from rm_local.engine.constraints.gbnf import check_grammar_is_safe as check_grammar_is_safe
    from rm_local.engine.constraints.json_schema import grammar_from_schema as grammar_from_schema
    from rm_local.engine.families.detect import (
        ChatFormat as ChatFormat,
        detect_chat_format as detect_chat_format,
    )
    from rm_local.engine.placement.adapted_model import AdaptedModelSizes as AdaptedModelSizes
    from rm_local.engine.placement.offload import (
        Device as Device,
        PlacementRequest as PlacementRequest,
        check_fits_memory as check_fits_memory,
        estimate_host_bytes as estimate_host_bytes,
        find_largest_context_in_memory_or_zero as find_largest_context_in_memory_or_zero,
        plan_placement as plan_placement,
        select_discrete_gpus_or_one_integrated as select_discrete_gpus_or_one_integrated,
    )
    from rm_local.engine.placement.requirements import (
        DEFAULT_CONTEXT as DEFAULT_CONTEXT,
        PROCESS_BYTES as PROCESS_BYTES,
        MemoryRequirement as MemoryRequirement,
        ModelSizes as ModelSizes,
        choose_asked_or_default_context as choose_asked_or_default_context,
        estimate_memory as estimate_memory,
    )
    from rm_local.engine.process import build_worker_environment as build_worker_environment
    from rm_local.engine.protocol import (
        Message as Message,
        ModelInfo as ModelInfo,
        TurnOpened as TurnOpened,
    )
    from rm_local.engine.worker_log import (
        open_worker_log_or_temporary as open_worker_log_or_temporary,
    )

__getattr__ = export_lazily(
    __name__,
    {
        "calculator": ["evaluate_expression"],
        "branches": [
            "BranchEnded",
            "BranchEvent",
            "BranchSpec",
            "ContextOverflowReport",
            "ContextUsage",
            "EvaluatedTokenCounts",
            "Part",
            "SampledToken",
            "SamplingParameters",
            "TokenChunk",
        ],
        "client": ["Engine"],
        "constraints.gbnf": ["check_grammar_is_safe"],
        "constraints.json_schema": ["grammar_from_schema"],
        "families.detect": ["ChatFormat", "detect_chat_format"],
        "placement.adapted_model": ["AdaptedModelSizes"],
        "placement.offload": [
            "Device",
            "PlacementRequest",
            "check_fits_memory",
            "estimate_host_bytes",
            "find_largest_context_in_memory_or_zero",
            "plan_placement",
            "select_discrete_gpus_or_one_integrated",
        ],
        "placement.requirements": [
            "DEFAULT_CONTEXT",
            "MemoryRequirement",
            "ModelSizes",
            "PROCESS_BYTES",
            "choose_asked_or_default_context",
            "estimate_memory",
        ],
        "process": ["build_worker_environment"],
        "protocol": ["Message", "ModelInfo", "TurnOpened"],
        "worker_log": ["open_worker_log_or_temporary"],
    },
)
