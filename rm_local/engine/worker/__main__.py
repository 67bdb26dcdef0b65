"""Runs the worker process: `python -m rm_local.engine.worker`.

Requests are read from descriptor 0. Replies are written to a copy of descriptor 1; descriptor 1
itself is redirected to 2, the log, before llama.cpp is imported.
"""

from __future__ import annotations

import faulthandler
import os
import sys

from rm_local.address_space import reduce_threads_and_memory_if_limited
from rm_local.engine import protocol, wire
from rm_local.engine.exit_reasons import DOCTOR
from rm_local.engine.worker.inbox import Inbox
from rm_local.errors import is_caused_by_memory_shortage
from rm_local.text import one_line

_MAX_REASON = 300
"""Maximum number of characters of an import error's text in a message."""
_MORE_MEMORY = "Close other programs, or allow it more memory (`ulimit -v`)."


def _exit_process_at_once() -> None:
    """End this process at once, even during a computation; called when the client has ended."""
    os._exit(0)


def make_import_error_reply(error: Exception) -> protocol.ErrorReply:
    """Make the reply that llama.cpp cannot be imported, with the reason in one line.

    The text of `error` can have many lines; its last line states the reason.
    """
    lines = [line for line in str(error).splitlines() if line.strip(" .")]
    reason = one_line(lines[-1] if lines else type(error).__name__, _MAX_REASON).rstrip(".")
    if is_caused_by_memory_shortage(error):
        message = f"There is too little memory to load llama.cpp: {reason}."
        return protocol.ErrorReply("EngineError", message, _MORE_MEMORY)
    message = f"llama-cpp-python cannot be used: {reason}."
    return protocol.ErrorReply("EngineError", message, DOCTOR)


def main() -> int:
    """Serve requests until standard input closes.

    If llama.cpp cannot be imported, reply with the error, and return the exit status 3.
    """
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    faulthandler.enable()
    reduce_threads_and_memory_if_limited()
    inbox = Inbox(sys.stdin.buffer, on_end=_exit_process_at_once)
    inbox.start_reading()
    try:
        from rm_local.engine.worker.server import Server
    except (ImportError, OSError, RuntimeError, MemoryError) as error:
        replies.write(wire.encode_message(0, make_import_error_reply(error)))
        return 3
    Server(inbox, replies).serve_requests()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
