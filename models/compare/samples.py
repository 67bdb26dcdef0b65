"""What a plan answered to one question, as `models.sample_file` keeps it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from models.sample_file import index_samples, parse_json_lines
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


def read_samples(path: Path) -> dict[Hashable, Sample]:
    """The samples of a file, however they were made.

    Raises:
        UsageError: There is no such file.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[1:-1]
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist.", "Run the comparison first.") from None
    return index_samples(Sample, parse_json_lines(lines))
