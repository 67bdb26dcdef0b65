"""A batch that is under way is broken off at the next operation of llama.cpp's graph."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, sys
import llama_cpp
from rm_local.engine import protocol
from rm_local.engine.worker.llama import kv_cache
from rm_local.options import EngineOptions
from rm_local.engine.worker.inbox import Inbox
from rm_local.engine.worker.llama.loading import load_model_and_create_cache
from rm_local.engine.worker.templates.render_client import Renderer

asked, last = 0, 0

@llama_cpp.ggml_abort_callback
def count(_data):
    global asked
    asked += 1
    return asked == last

def is_aborted():
    try:
        cells.prefill_prefix_and_count_reused(tokens)
    except kv_cache.DecodeAbortedError:
        return True
    return False

def opened():
    inbox = Inbox(sys.stdin.buffer, on_end=lambda: None)
    request = protocol.Load(sys.argv[1], EngineOptions(threads=1, gpu_layers=0))
    return inbox, *load_model_and_create_cache(request, lambda _: None, inbox, Renderer())[:2]

own = kv_cache._create_abort_callback
kv_cache._create_abort_callback = lambda: count
inbox, model, cells = opened()
tokens = [3] * cells.batch_size
found = {"whole": is_aborted(), "operations": asked}
cells.prefill_prefix_and_count_reused(())
asked, last = 0, found["operations"] // 2
found |= {"stopped": is_aborted(), "asked": asked, "held": len(cells.prefix_tokens)}
last = 0
found["again"] = is_aborted()

kv_cache._create_abort_callback = own
inbox, model, cells = opened()
inbox.abort[0] = b"1"
found["by the inbox"] = is_aborted()
inbox.abort[0] = b"\\0"
found["and after"] = is_aborted()
print(json.dumps(found))
"""


def test_a_batch_is_broken_off_between_two_operations(large: Path) -> None:
    """None is begun after the one at which the abort is seen; the same batch then comes through.

    Without a thread that reads requests, only the flag that llama.cpp looks at can have ended it.
    """
    command = [sys.executable, "-c", SCRIPT, str(large)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    found = json.loads(done.stdout)

    assert found.pop("operations") // 2 == found.pop("asked") > 10
    assert found == {
        "whole": False,
        "stopped": True,
        "held": 0,
        "again": False,
        "by the inbox": True,
        "and after": False,
    }
