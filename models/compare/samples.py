"""What a plan answered, one JSON object a line, so that a run that was killed continues."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rm_local.errors import UsageError

Key = tuple[str, str, int]
"""Question, plan and seed: what a file has once."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One question answered under one plan at one seed."""

    question: str
    """Its id."""
    plan: str
    seed: int
    text: str
    """What is shown as the answer; empty when there is none."""
    written: str
    """All that the shown branch wrote, with its thinking, as it came."""
    stop: str
    """How the shown branch ended."""
    branch_tokens: int
    """That the shown branch wrote."""
    tokens: int
    """That the whole turn wrote."""
    seconds: float
    """From the question to the answer, the model loaded before."""
    branches: int
    hinted: int
    """Branches that had a hint; 0 = memory was silent."""
    hint: str
    """The subroutine that the shown branch read; empty without one."""
    failure: str
    """Why there is no answer; empty when there is one."""

    @property
    def key(self) -> Key:
        """What tells it from the other samples of its file."""
        return self.question, self.plan, self.seed


class SampleFile:
    """Samples on disk: a first line that says how they were made, then one line each."""

    def __init__(self, path: Path, made: Mapping[str, Any]) -> None:
        """Open the file, or begin it; a last line that was cut by a kill is removed.

        Raises:
            UsageError: Its samples were made in another way than `made` says.
        """
        self.samples: dict[Key, Sample] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        try:
            self._read(path, json.loads(json.dumps(made)))
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, sample: Sample) -> None:
        """Append the sample; it is in the file when this returns."""
        self._write(asdict(sample))
        self.samples[sample.key] = sample

    def _read(self, path: Path, made: Any) -> None:
        self._file.seek(0)
        data = self._file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._file.truncate(len(whole))
        lines = [json.loads(line) for line in whole.splitlines()]
        if not lines:
            self._write(made)
        elif differing := [key for key in made if lines[0].get(key) != made[key]]:
            raise UsageError(
                f"{path} was made with another {', '.join(differing)}.",
                "Name another file with --out, or remove this one.",
            )
        self.samples = parse_samples(lines[1:])

    def _write(self, row: Any) -> None:
        self._file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read_samples(path: Path) -> dict[Key, Sample]:
    """The samples of a file, however they were made.

    Raises:
        UsageError: There is no such file.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[1:-1]
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist.", "Run the comparison first.") from None
    return parse_samples([json.loads(line) for line in lines])


def parse_samples(rows: list[dict[str, Any]]) -> dict[Key, Sample]:
    """The samples of these objects, by key."""
    samples = (Sample(**row) for row in rows)
    return {sample.key: sample for sample in samples}
