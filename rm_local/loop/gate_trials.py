"""Measures how often the gate decides correctly, on questions labelled with helpful entries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rm_local.errors import UsageError
from rm_local.store import get_input_name, open_decompressed_input
from rm_local.text import NotUtf8Error, decode_utf8_text, one_line

if TYPE_CHECKING:
    from rm_local.loop.retrieve import StoreRetriever

FOUND_RANK = 3
"""Number of first hits among which a labelled entry counts as found."""
_NO_FLOOR = -1.0
_STEPS = 12
"""Number of intervals between the thresholds of a curve; the threshold in use is added."""


@dataclass(frozen=True, slots=True)
class GateTrial:
    """The gate's decision on one labelled question, and the correct one."""

    fits: bool
    """Whether an entry helps with the question, by its labels: the correct decision."""
    found: bool
    """Whether a labelled entry is among the first FOUND_RANK hits of a search without a gate."""
    opened: bool
    """Whether the gate decided that an entry helps, so that the question gets hits."""
    score: float
    """Log-odds by the gate that an entry helps, less the gate's threshold."""


MOST_QUESTION_BYTES = 64 << 20
"""Maximum size of a file of labelled questions."""
LabelledQuestion = tuple[str, tuple[str, ...]]
"""A question, and its labels: the subproblems of the entries that help with it; may be empty."""


def read_labelled_questions(path: Path, half: str | None) -> list[LabelledQuestion]:
    """Read the labelled questions of a JSON Lines file; with `half` only those with this `half`.

    Raises:
        UsageError: A line is not a labelled question, or there is no question.
    """
    labelled: list[LabelledQuestion] = []
    name = get_input_name(path)
    try:
        with open_decompressed_input(path) as file:
            data = file.read(MOST_QUESTION_BYTES + 1)
        if len(data) > MOST_QUESTION_BYTES:
            message = f"{name} has more than {MOST_QUESTION_BYTES >> 20} MB."
            raise UsageError(message, "Name a smaller file.")
        text = decode_utf8_text(data)
    except OSError as error:
        message = f"{name} cannot be read: {error.strerror or error}."
        raise UsageError(message, "Name another file.") from None
    except NotUtf8Error as error:
        raise UsageError(f"{name} is not UTF-8 text: {error}.", "Name another file.") from None
    for number, line in enumerate(text.splitlines(), 1):
        try:
            fields = json.loads(line)
            if half is None or fields.get("half") == half:
                labelled.append(_parse_labelled_question(fields))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise UsageError(
                f"Line {number} of {name} is not a labelled question.",
                'Write {"question": "...", "entries": ["How to ...?"]} on each line.',
            ) from None
    if not labelled:
        raise UsageError(f"There is no question in {name}.", "Name another file or half.")
    return labelled


def _parse_labelled_question(fields: dict[str, Any]) -> LabelledQuestion:
    """Return the question and labels of one line's JSON object.

    Raises:
        TypeError, KeyError: The fields are not those of a labelled question.
    """
    question, entries = fields["question"], fields.get("entries")
    entries = [] if entries is None else entries
    if not isinstance(question, str) or not isinstance(entries, list):
        raise TypeError("no labelled question")
    if not all(isinstance(entry, str) for entry in entries):
        raise TypeError("an entry without a name")
    return question, tuple(entries)


async def find_unknown_labels(
    retriever: StoreRetriever, labelled: Sequence[LabelledQuestion]
) -> list[str]:
    """Return the labels that are not the subproblem of an entry of the store.

    Raises:
        StoreError, EngineError: The search or the embedder failed.
    """
    labels = dict.fromkeys(label for _, entries in labelled for label in entries)
    return [label for label in labels if not await retriever.has_entry(label)]


async def run_gate_trial(
    retriever: StoreRetriever, question: str, entries: Sequence[str]
) -> GateTrial:
    """Let the gate decide on one question, and search for its labelled `entries`.

    Raises:
        StoreError, EngineError: The search or the embedder failed.
    """
    asked = one_line(question)
    verdict = await retriever.judge_question(asked)
    hits = await retriever.search(asked, FOUND_RANK, _NO_FLOOR)
    found = any(hit.entry.subproblem in entries for hit in hits)
    odds = min(max(verdict.probability, 1e-9), 1 - 1e-9)
    score = log(odds / (1 - odds)) - retriever.gate_log_odds_threshold
    return GateTrial(bool(entries), found, verdict.fits, score)


def compute_gate_curve(trials: Sequence[GateTrial]) -> list[dict[str, float | bool | None]]:
    """Measure the gate's decisions at several thresholds, ascending; return an object for each.

    `threshold` is in log-odds relative to the gate's own. `kept`: share of the questions with a
    found entry that get hits. `silent`: share of the questions without entries that get none. None:
    no such questions. `in_use` is True for the gate's own threshold, 0, where its verdicts count.
    """
    scores = sorted(trial.score for trial in trials)
    chosen = {scores[round(i * (len(scores) - 1) / _STEPS)] for i in range(_STEPS + 1)}
    points = [(threshold, False) for threshold in chosen if threshold] + [(0.0, True)]
    found = [trial for trial in trials if trial.found]
    without = [trial for trial in trials if not trial.fits]
    return [
        {
            "threshold": threshold,
            "kept": _measure_share_getting_hits(found, threshold, in_use) if found else None,
            "silent": 1 - _measure_share_getting_hits(without, threshold, in_use)
            if without
            else None,
            "in_use": in_use,
        }
        for threshold, in_use in sorted(points)
    ]


def _measure_share_getting_hits(
    trials: Sequence[GateTrial], threshold: float, in_use: bool
) -> float:
    """Return the share of trials whose questions get hits at this threshold.

    `in_use`: count the gate's own decisions instead.
    """
    opened = [trial.opened if in_use else trial.score >= threshold for trial in trials]
    return sum(opened) / len(trials)
