"""Groups results that are the same answer: of equal normal form, or formulas of equal value.

Values are compared by math-verify (the extra `math`), if it is installed, in a separate process:
a formula written by a model can cost a computer algebra system unlimited time and memory.
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

from rm_local.engine import build_worker_environment
from rm_local.loop.answers import normalize_answer

MAX_RESULT_CHARS = 200
"""Maximum number of characters of a result that is compared by value."""
_START_SECONDS, _REPLY_SECONDS = 60.0, 10.0
"""Time limits in seconds for the start of the process and for one reply; the process has a shorter
limit of its own for a reply."""
_WORDS = re.compile(r"\\(?:text|mathrm|mathbf|mbox|operatorname)\b|(?<![\\A-Za-z])[A-Za-z]{2,}")
_FUNCTIONS = {"pi", "sqrt", "sin", "cos", "tan", "ln", "log", "exp", "frac", "infty"}
_COMMAND = re.compile(r"\\[A-Za-z]+")
_DIGIT = re.compile(r"\d")


class AnswerGroups:
    """Groups the results of one turn's branches: results of one group are one answer in the vote.

    It may start a process: close it, or use `async with`.
    """

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        """Maps the normal form of each result to that of the first result in its group."""
        self._written: dict[str, str] = {}
        """Maps the normal form of the first result of each group to its text."""
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

    def get_group_key_or_normal_form(self, result: str) -> str:
        """Return the key of the group of `result`: the normal form of the group's first result.

        A result that was not added gets its own normal form.
        """
        key = normalize_answer(result)
        return self._first.get(key, key)

    async def add_result(self, result: str) -> None:
        """Add a result to the group of an equal result, or to a new group."""
        key = normalize_answer(result)
        if key in self._first:
            return
        for other, written in self._written.items():
            if (
                self._usable
                and are_values_comparable(written, result)
                and await self._compare_or_disable_process(written, result)
            ):
                self._first[key] = other
                return
        self._first[key], self._written[key] = key, result

    async def close(self) -> None:
        """Kill the process that compares values, if it runs."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        assert process.stdin
        process.stdin.close()
        await process.wait()

    async def _compare_or_disable_process(self, left: str, right: str) -> bool:
        """Return whether the process finds both formulas equal.

        If a comparison fails or exceeds a limit, it and all later ones are False.
        """
        try:
            if self._process is None:
                self._process = await _start_equality_process()
                await _read_reply(self._process, _START_SECONDS)
            assert self._process.stdin
            self._process.stdin.write(json.dumps([left, right]).encode() + b"\n")
            return await _read_reply(self._process, _REPLY_SECONDS)
        except (OSError, TimeoutError, ValueError):
            self._usable = False
            await self.close()
            return False


def are_values_comparable(left: str, right: str) -> bool:
    """Return whether two results may be compared by their value.

    Both must be short formulas without words and with the same variables: `5 m` is a length, not a
    product that equals `5`. A percentage is compared with percentages only.
    """
    return (
        max(len(left), len(right)) <= MAX_RESULT_CHARS
        and _is_formula(left)
        and _is_formula(right)
        and ("%" in left) == ("%" in right)
        and _find_variables(left) == _find_variables(right)
    )


def _is_formula(result: str) -> bool:
    """Return whether a result has a digit or a LaTeX command, and no words but functions."""
    words = {match.group() for match in _WORDS.finditer(result)}
    return words <= _FUNCTIONS and bool(_DIGIT.search(result) or _COMMAND.search(result))


def _find_variables(result: str) -> set[str]:
    """Return the names of the variables in a result, without the left side of `x = 5`."""
    bare = normalize_answer(_COMMAND.sub(" ", result))
    return {word for word in re.findall(r"[a-z]+", bare) if word not in _FUNCTIONS}


async def _start_equality_process() -> Process:
    """Start the process that compares values (`rm_local.loop.equality_process`)."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "rm_local.loop.equality_process"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=build_worker_environment(),
    )


async def _read_reply(process: Process, seconds: float) -> bool:
    """Return the next reply of the process: whether two values are equal, or that it is ready.

    Raises:
        ValueError: The process has ended.
        TimeoutError: There was no reply within `seconds`.
    """
    assert process.stdout
    line = await asyncio.wait_for(process.stdout.readline(), seconds)
    return bool(json.loads(line))
