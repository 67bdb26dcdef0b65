"""Client of a process that runs the bare loop over llama.cpp, without the engine."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from rm_local.engine import build_worker_environment, open_worker_log_or_temporary
from rm_local.errors import EngineError

MODULE = "rm_local.engine.worker.llama.bare_loop"


class BareLlamaLoopProcess:
    """Context manager that runs the bare loop in a process and asks it for measurements."""

    def __init__(self, model: Path, threads: int, gpu_layers: int, log: Path | None) -> None:
        """Take model and options of llama.cpp; its output is appended to `log`, if given."""
        self._arguments = (str(model), str(threads), str(gpu_layers))
        self._path = log

    async def __aenter__(self) -> Self:
        self._log = open_worker_log_or_temporary(self._path, lambda _error: None)
        with self._log.file:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", MODULE, *self._arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=self._log.file,
                env=build_worker_environment(),
            )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        self._log.delete_if_temporary()

    async def measure_prefill_and_decode_seconds(
        self, read_tokens: int, written_tokens: int
    ) -> tuple[float, float]:
        """Return the seconds for reading `read_tokens` and then writing `written_tokens` tokens.

        Raises:
            EngineError: The process ended.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{read_tokens} {written_tokens}\n".encode())
        seconds = (await self._process.stdout.readline()).split()
        if len(seconds) != 2:
            log = f"Its log is {self._path}." if self._path else ""
            raise EngineError("The bare loop over llama.cpp ended.", log)
        return float(seconds[0]), float(seconds[1])
