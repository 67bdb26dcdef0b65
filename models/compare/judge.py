"""Judges sampled answers by the rules of `models.compare.rules`; one rule needs an embedder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.compare import rules
from models.compare.questions import Question
from models.compare.samples import Sample
from models.seed.build import embed_texts_with
from rm_local.arrays import Floats
from rm_local.loop import format_hint_for_thinking, list_fixed_prompt_texts

RULES = ("whole", "own text", "on topic", "language", "no loop", "right")
"""Names of the rules, in the order of the columns of the report."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Judgement of one sample: the result of each rule."""

    sample: Sample
    kind: str
    kept: Mapping[str, bool]
    """By the name of each rule that applies, whether the answer satisfies it."""

    @property
    def keeps_all_rules(self) -> bool:
        """Whether the answer satisfies all rules that apply."""
        return all(self.kept.values())


def judge_samples(
    samples: Sequence[Sample], questions: Sequence[Question], baseline: str
) -> list[Verdict]:
    """Return a verdict for each sample of one of the questions.

    An answer is on topic if it is nearer to its question than most answers of the plan `baseline`,
    at the same seed, to other questions are.
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
    """Return by rule whether the answer satisfies it; an empty answer satisfies none.

    `own` is the cosine of the question with this answer, `others` those with answers to other
    questions. `forced` lists the phrases that the program itself writes.
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
    """Yield all texts that the program puts before the model: prompts, and the frame of a hint."""
    yield format_hint_for_thinking("", "")
    yield from list_fixed_prompt_texts()


def embed_texts(texts: Sequence[str]) -> Floats:
    """Return an array (n, 384) with the texts' vectors of length 1; an empty text has one, too."""
    return embed_texts_with(texts, "llama") if texts else np.zeros((0, 384), np.float32)
