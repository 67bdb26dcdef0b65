"""Which results of a turn are one answer: by how they are written, and by their value.

Values are compared by math-verify (the extra `math`), if it is installed, in a process of its own:
results come from a model, and a computer algebra system may take all time and memory for one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
from asyncio.subprocess import PIPE, Process
from importlib.util import find_spec
from types import TracebackType
from typing import Self

from rm_local.engine import worker_environment
from rm_local.loop.answers import same_key

LONGEST = 200
"""Characters of a result that is compared by its value."""
_START, _ANSWER = 60.0, 10.0
"""Seconds that the process gets to start, and to answer; it mostly ends by its own limit before."""
_WORDS = re.compile(r"\\(?:text|mathrm|mathbf|mbox|operatorname)\b|(?<![\\A-Za-z])[A-Za-z]{2,}")
_FUNCTIONS = {"pi", "sqrt", "sin", "cos", "tan", "ln", "log", "exp", "frac", "infty"}
_COMMAND = re.compile(r"\\[A-Za-z]+")
_DIGIT = re.compile(r"\d")


class EqualAnswers:
    """The results of one turn. Close it, or leave its `async with`: it may have a process."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        """By key: the key of the result that came first of those that are equal."""
        self._written: dict[str, str] = {}
        """By key of a first result: how it was written."""
        self._process: Process | None = None
        self._usable = find_spec("math_verify") is not None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def key(self, result: str) -> str:
        """What this result has in common with those that were added and are equal to it."""
        key = same_key(result)
        return self._first.get(key, key)

    async def add(self, result: str) -> None:
        """Find out which of the results so far is equal to this one."""
        key = same_key(result)
        if key in self._first:
            return
        for other, written in self._written.items():
            if self._usable and comparable(written, result) and await self._equal(written, result):
                self._first[key] = other
                return
        self._first[key], self._written[key] = key, result

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        assert process.stdin
        process.stdin.close()
        await process.wait()

    async def _equal(self, left: str, right: str) -> bool:
        """Whether the values are equal; False, and no further comparison, when that is not found
        out within the limits."""
        try:
            if self._process is None:
                self._process = await _start()
                await _read(self._process, _START)
            assert self._process.stdin
            self._process.stdin.write(json.dumps([left, right]).encode() + b"\n")
            return await _read(self._process, _ANSWER)
        except (OSError, TimeoutError, ValueError):
            self._usable = False
            await self.close()
            return False


def comparable(left: str, right: str) -> bool:
    """Whether two results may be compared by their value.

    Both are short formulas without words, with the same variables: `5 m` is a length, no product
    that equals `5`. A percentage is compared with percentages alone.
    """
    return (
        max(len(left), len(right)) <= LONGEST
        and _is_formula(left)
        and _is_formula(right)
        and ("%" in left) == ("%" in right)
        and _variables(left) == _variables(right)
    )


def _is_formula(result: str) -> bool:
    words = {match.group() for match in _WORDS.finditer(result)}
    return words <= _FUNCTIONS and bool(_DIGIT.search(result) or _COMMAND.search(result))


def _variables(result: str) -> set[str]:
    """Single letters, but for that of a lone equation's left side."""
    bare = same_key(_COMMAND.sub(" ", result))
    return {word for word in re.findall(r"[a-z]+", bare) if word not in _FUNCTIONS}


async def _start() -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "rm_local.loop.equality_process"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=worker_environment(),
    )


async def _read(process: Process, seconds: float) -> bool:
    """The process's next line. ValueError when there is none, TimeoutError when it is late."""
    assert process.stdout
    line = await asyncio.wait_for(process.stdout.readline(), seconds)
    return bool(json.loads(line))
