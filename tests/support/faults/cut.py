"""For scripts of processes that kill themselves in the middle of a transaction."""

from __future__ import annotations

import os
import signal
from types import ModuleType
from typing import Any


def kill_after(module: ModuleType, name: str) -> None:
    """Have this process killed once the module's function `name` has written, before the commit.

    What it wrote is on its pages in the file by then: the function's first argument is the
    connection.
    """
    whole = getattr(module, name)

    def cut(connection: Any, *rest: Any) -> None:
        whole(connection, *rest)
        connection.cache_flush()
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(module, name, cut)
