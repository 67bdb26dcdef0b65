"""What llama.cpp says a context takes.

Run `python -m tests.support.llama_report MODEL CONTEXT KV FLASH`.

One JSON object of bytes: kv, compute, output, and state where the model is recurrent. A process
of its own, set up as the worker sets up its context.
"""

from __future__ import annotations

import json
import re
import sys

import llama_cpp

from rm_local.engine.placement.requirements import BATCH_CPU
from rm_local.engine.worker.llama.params import FLASH, TYPES

TYPES_BY_NAME = dict[str, int](TYPES.items())
FLASH_BY_NAME = dict[str, int](FLASH.items())
BUFFERS = {"kv": r"KV buffer", "compute": r"compute buffer", "output": r"output buffer"}
BUFFERS["state"] = r"RS buffer"


def report(path: str, context: int, kv: str, flash: str) -> dict[str, int]:
    """Bytes of each buffer, as the log states them, in steps of 0.01 MiB."""
    lines: list[str] = []
    log = llama_cpp.llama_log_callback(lambda _level, text, _data: lines.append(text.decode()))
    llama_cpp.llama_log_set(log, None)
    model = llama_cpp.llama_model_load_from_file(
        path.encode(), llama_cpp.llama_model_default_params()
    )
    params = llama_cpp.llama_context_default_params()
    state = llama_cpp.llama_model_is_recurrent(model) or llama_cpp.llama_model_is_hybrid(model)
    branches = 8 if state else 32
    params.n_ctx = context
    params.n_batch = params.n_ubatch = BATCH_CPU
    params.n_seq_max = params.n_outputs_max = branches + 1
    params.kv_unified = True
    params.type_k = params.type_v = TYPES_BY_NAME[kv]
    params.flash_attn_type = FLASH_BY_NAME[flash]
    made = llama_cpp.llama_init_from_model(model, params)
    assert made, "".join(lines)
    return {name: _bytes(buffer, "".join(lines)) for name, buffer in BUFFERS.items()}


def _bytes(buffer: str, report: str) -> int:
    """The sum of what the log gives for a kind of buffer, but for its repetitions."""
    found = set(re.findall(rf"(\S+ +{buffer} size) *= *([\d.]+) MiB", report))
    return round(sum(float(size) for _, size in found) * (1 << 20))


if __name__ == "__main__":
    print(json.dumps(report(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])))
