"""Judges samples by the rules; needs the embedder for one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.compare import rules
from models.compare.questions import Question
from models.compare.samples import Sample
from models.seed.build import embed_texts_with
from rm_local.arrays import Floats
from rm_local.loop import hint_text, list_fixed_texts

RULES = ("whole", "own text", "on topic", "language", "no loop", "right")
"""Names of the rules, in the order of the table."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of a sample."""

    sample: Sample
    kind: str
    kept: Mapping[str, bool]
    """For each rule that applies, whether the answer keeps it."""

    @property
    def keeps_all_rules(self) -> bool:
        """Whether the answer keeps all of them."""
        return all(self.kept.values())


def judge_samples(
    samples: Sequence[Sample], questions: Sequence[Question], baseline: str
) -> list[Verdict]:
    """A verdict for each sample of one of the questions.

    Whether an answer is on its topic is judged against the answers of the plan `baseline`, at the
    same seed, to the other questions.
    """
    known = {question.id: question for question in questions}
    judged = [sample for sample in samples if sample.question in known]
    asked = dict(zip(known, embed_texts([q.question for q in questions]), strict=True))
    answers = dict(zip((s.key for s in judged), embed_texts([s.text for s in judged]), strict=True))
    forced = list(list_forced_phrases())
    verdicts = []
    for sample in judged:
        question = known[sample.question]
        others = [
            float(asked[question.id] @ answers[other.key])
            for other in judged
            if other.plan == baseline and other.seed == sample.seed
            and other.question != question.id
        ]  # fmt: skip
        own = float(asked[question.id] @ answers[sample.key])
        kept = apply_rules(sample, question, own, others, forced)
        verdicts.append(Verdict(sample, question.kind, kept))
    return verdicts


def apply_rules(
    sample: Sample,
    question: Question,
    own: float,
    others: Sequence[float],
    forced: Sequence[str],
) -> dict[str, bool]:
    """For each rule that applies, whether it is kept; a turn without an answer keeps none.

    `own` and `others` are the cosines of the question with this answer and with those to other
    questions.
    """
    text = sample.text
    kept = {
        "whole": rules.is_complete_answer(text, sample.stop),
        "own text": not rules.has_forced_text(text, forced, [sample.hint]),
        "on topic": rules.is_on_topic(own, others),
        "language": rules.is_in_language(text, question.language),
        "no loop": not rules.has_loop(text),
    }
    if question.target is not None:
        kept["right"] = rules.contains_accepted_form(text, question.target, question.language)
    return kept if text else dict.fromkeys(kept, False)


def list_forced_phrases() -> Iterator[str]:
    """All that the program says to the model: the constants of its prompts, and a hint's frame."""
    yield hint_text("", "")
    yield from list_fixed_texts()


def embed_texts(texts: Sequence[str]) -> Floats:
    """Vectors of length 1, (n, 384); an empty text has a vector, too."""
    return embed_texts_with(texts, "llama") if texts else np.zeros((0, 384), np.float32)
