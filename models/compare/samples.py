"""The record of one answer in a comparison, and reading a file of such records."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from models.sample_file import index_samples, parse_json_lines
from rm_local.errors import UsageError

Key = tuple[str, str, int]
"""Question id, plan and seed; a file has one sample for each key."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The answer to one question under one plan at one seed."""

    question: str
    """Id of the question."""
    plan: str
    seed: int
    text: str
    """The text shown as the answer; empty without an answer."""
    written: str
    """Everything that the shown branch wrote, with its thinking, unchanged."""
    stop: str
    """Reason for the end of the shown branch, as in `Branch.stop`."""
    branch_tokens: int
    """Number of tokens that the shown branch wrote."""
    tokens: int
    """Number of tokens that all branches of the turn wrote."""
    seconds: float
    """Seconds from the question to the answer, with the model already loaded."""
    branches: int
    hinted: int
    """Number of branches with a hint; 0 if the gate found nothing that fits."""
    hint: str
    """The subroutine in the hint of the shown branch; empty without a hint."""
    failure: str
    """Message of the error that ended the turn; empty with an answer."""

    @property
    def key(self) -> Key:
        """The sample's key in its file."""
        return self.question, self.plan, self.seed


def read_samples(path: Path) -> dict[Hashable, Sample]:
    """Return the samples of a file by key, without a check of how they were made.

    Raises:
        UsageError: There is no such file.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[1:-1]
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist.", "Run the comparison first.") from None
    return index_samples(Sample, parse_json_lines(lines))
