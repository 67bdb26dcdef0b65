"""The model: a client in this process, and the worker process that runs llama.cpp.

`Engine` is the client. `protocol` is what both sides say to each other; only `worker` imports
llama_cpp. `families` knows how models think, `placement` plans memory, `constraints` turns schemas
into grammars, `calculator` computes what models write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.lazy import export_lazily

if TYPE_CHECKING:
    from rm_local.engine.branches import (
        BranchEnded as BranchEnded,
        BranchEvent as BranchEvent,
        BranchSpec as BranchSpec,
        ContextAdjusted as ContextAdjusted,
        ContextUsage as ContextUsage,
        Evaluated as Evaluated,
        Part as Part,
        SampledToken as SampledToken,
        Sampling as Sampling,
        TokenChunk as TokenChunk,
    )
    from rm_local.engine.calculator import evaluate_expression as evaluate_expression
    from rm_local.engine.client import Engine as Engine
    from rm_local.engine.constraints.gbnf import check_grammar as check_grammar
    from rm_local.engine.constraints.json_schema import grammar_from_schema as grammar_from_schema
    from rm_local.engine.families.detect import (
        ThinkingDescription as ThinkingDescription,
        describe_thinking as describe_thinking,
    )
    from rm_local.engine.placement.adapted_model import AdaptedModel as AdaptedModel
    from rm_local.engine.placement.offload import (
        Device as Device,
        PlacementRequest as PlacementRequest,
        check_fits as check_fits,
        host_bytes as host_bytes,
        largest_context as largest_context,
        place_layers as place_layers,
        usable_devices as usable_devices,
    )
    from rm_local.engine.placement.requirements import (
        DEFAULT_CONTEXT as DEFAULT_CONTEXT,
        PROCESS_BYTES as PROCESS_BYTES,
        MemoryRequirement as MemoryRequirement,
        ModelSizes as ModelSizes,
        default_context as default_context,
        required_memory as required_memory,
    )
    from rm_local.engine.process import worker_environment as worker_environment
    from rm_local.engine.protocol import (
        Message as Message,
        ModelInfo as ModelInfo,
        TurnOpened as TurnOpened,
    )
    from rm_local.engine.worker_log import open_worker_log as open_worker_log

__getattr__ = export_lazily(
    __name__,
    {
        "calculator": ["evaluate_expression"],
        "branches": [
            "BranchEnded",
            "BranchEvent",
            "BranchSpec",
            "ContextAdjusted",
            "ContextUsage",
            "Evaluated",
            "Part",
            "SampledToken",
            "Sampling",
            "TokenChunk",
        ],
        "client": ["Engine"],
        "constraints.gbnf": ["check_grammar"],
        "constraints.json_schema": ["grammar_from_schema"],
        "families.detect": ["ThinkingDescription", "describe_thinking"],
        "placement.adapted_model": ["AdaptedModel"],
        "placement.offload": [
            "Device",
            "PlacementRequest",
            "check_fits",
            "host_bytes",
            "largest_context",
            "place_layers",
            "usable_devices",
        ],
        "placement.requirements": [
            "DEFAULT_CONTEXT",
            "MemoryRequirement",
            "ModelSizes",
            "PROCESS_BYTES",
            "default_context",
            "required_memory",
        ],
        "process": ["worker_environment"],
        "protocol": ["Message", "ModelInfo", "TurnOpened"],
        "worker_log": ["open_worker_log"],
    },
)
