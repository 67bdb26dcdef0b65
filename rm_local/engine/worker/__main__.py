"""`python -m rm_local.engine.worker`: requests on descriptor 0, replies on the one given as 1.

Descriptor 2 is the log. Descriptor 1 is pointed there too before llama.cpp is imported.
"""

from __future__ import annotations

import faulthandler
import os
import sys

from rm_local.engine import protocol, wire
from rm_local.engine.exit_reasons import DOCTOR
from rm_local.engine.worker.inbox import Inbox


def _exit() -> None:
    """End at once, also in the middle of a computation: nobody is left to answer."""
    os._exit(0)


def main() -> int:
    """Serve until standard input closes. 3 when llama.cpp cannot be imported."""
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    faulthandler.enable()
    inbox = Inbox(sys.stdin.buffer, on_end=_exit)
    inbox.start()
    try:
        from rm_local.engine.worker.server import Server
    except (ImportError, OSError, RuntimeError) as error:
        message = f"llama-cpp-python cannot be used: {error}."
        refused = protocol.ErrorReply("EngineError", message, DOCTOR)
        replies.write(wire.encode(0, refused))
        return 3
    Server(inbox, replies).run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
