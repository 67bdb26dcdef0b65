"""Collects the training data of rm-static: texts for the teacher, and pairs that mean the same.

It contains no held-out family, no paraphrase of the tests and no text of `quiz`.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from pathlib import Path

from models.nano import curriculum
from models.nano.curriculum import KNOWN, imitate_typed_problem, invented, list_taken_names
from models.nano.curriculum.problem import Problem
from models.seed.handwritten import read_handwritten_entries
from rm_local.bench import DocumentedObject, read_distinct_documented_objects

Rng = random.Random
Pair = tuple[str, str]
QUIZ_SHARE = 0.02
"""Share of the documented objects that is kept from training, for the measurement."""
LEADS = (
    "how to {}?",
    "How to {}?",
    "how do I {}",
    "what is the way to {}?",
    "I want to {}",
    "{}",
)
IMPERATIVE = re.compile(
    r"^(add|align|append|apply|build|calculate|change|check|choose|close|combine|compare|compute|"
    r"convert|copy|count|create|decide|decode|delete|derive|determine|divide|draw|encode|estimate|"
    r"evaluate|expand|extract|factor|fill|filter|find|fit|format|generate|get|give|group|insert|"
    r"integrate|invert|join|list|load|make|map|match|measure|merge|move|multiply|normalize|open|"
    r"parse|perform|plot|predict|print|produce|read|reduce|remove|replace|resolve|return|reverse|"
    r"rotate|run|sample|scale|search|select|send|set|show|simplify|solve|sort|split|store|"
    r"subtract|sum|swap|test|transform|truncate|update|validate|write)(s?) ",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class TextCounts:
    """Number of texts of each kind for the teacher to embed."""

    docstrings: int = 90_000
    invented: int = 12_000
    known: int = 8_000
    phrases: int = 25_000


@dataclass(frozen=True, slots=True)
class TrainingMaterial:
    """All training data, in a fixed order."""

    texts: tuple[str, ...]
    """Texts that the teacher embeds, distinct."""
    pairs: tuple[Pair, ...]
    """Pairs of texts with the same meaning."""
    quiz: tuple[Pair, ...]
    """Pairs kept for measuring; neither text is in `texts` or `pairs`."""

    def save(self, path: Path) -> None:
        """Write the material as JSON."""
        path.write_text(
            json.dumps({"texts": self.texts, "pairs": self.pairs, "quiz": self.quiz}), "utf-8"
        )

    @classmethod
    def load(cls, path: Path) -> TrainingMaterial:
        """Read the material from the JSON that `save` wrote."""
        read = json.loads(path.read_text("utf-8"))
        pairs, quiz = (tuple((a, b) for a, b in read[key]) for key in ("pairs", "quiz"))
        return cls(tuple(read["texts"]), pairs, quiz)


def collect_material(vocabulary: list[str], amounts: TextCounts, seed: int) -> TrainingMaterial:
    """Return texts and pairs, the same for the same seed and the same installed packages.

    `vocabulary` is the list of words from which random phrases are made.
    """
    rng = random.Random(seed)
    everything = read_distinct_documented_objects()
    rng.shuffle(everything)
    kept = round(len(everything) * QUIZ_SHARE)
    quiz = _build_quiz(rng, everything[:kept])
    banned = {text for each in everything[:kept] for text in each.sentences}
    learnt = [d for d in everything[kept:] if not banned.intersection(d.sentences)]
    sentences = list(dict.fromkeys(s for d in learnt for s in d.sentences))
    rng.shuffle(sentences)
    advice = [s for entry in read_handwritten_entries() for s in _split_sentences(entry.subroutine)]
    asked = _draw_curriculum_pairs(rng, amounts)
    texts = [
        *(entry.subproblem for entry in read_handwritten_entries()),
        *advice,
        *(text for pair in asked for text in pair),
        *_draw_random_phrases(rng, vocabulary, amounts.phrases),
        *sentences[: amounts.docstrings],
    ]
    pairs = [*_pair_docstrings(rng, learnt), *_pair_advice()]
    return TrainingMaterial(tuple(dict.fromkeys(texts)), tuple(pairs), tuple(quiz))


def draw_curriculum_pair(rng: Rng) -> Pair:
    """Draw a pair: a question or a wording of a subproblem, and the entry's subproblem.

    The number of invented procedures is unlimited; held-out families are never drawn.
    """
    if rng.random() < 0.15:
        problem: Problem = rng.choice(KNOWN).draw_problem(rng)
    else:
        problem = invented.draw_invented_problem(rng, list_taken_names())
    asked = (
        imitate_typed_problem(rng, problem).question if rng.random() < 0.6 else problem.subproblem
    )
    return asked, problem.entry.subproblem


def _draw_curriculum_pairs(rng: Rng, amounts: TextCounts) -> list[Pair]:
    """Draw the pairs of questions and subproblems that the teacher embeds."""
    made = [draw_curriculum_pair(rng) for _ in range(amounts.invented // 2)]
    known = [
        imitate_typed_problem(rng, rng.choice(KNOWN).draw_problem(rng))
        for _ in range(amounts.known)
    ]
    return made + [(p.question, p.entry.subproblem) for p in known]


def _pair_advice() -> list[Pair]:
    """Return pairs (sentence of a subroutine, its subproblem) of the handwritten entries.

    Sentences of fewer than eight words are left out.
    """
    return [
        (sentence, entry.subproblem)
        for entry in read_handwritten_entries()
        for sentence in _split_sentences(entry.subroutine)
        if len(sentence.split()) >= 8
    ]


def _pair_docstrings(rng: Rng, learnt: list[DocumentedObject]) -> list[Pair]:
    """Return pairs of each object: (name, first sentence) and (first, second sentence)."""
    pairs: list[Pair] = []
    for each in learnt:
        first = each.sentences[0]
        if len(each.name.split()) >= 2:
            pairs.append((phrase_as_request(rng, each.name), phrase_as_request(rng, first)))
        if len(each.sentences) > 1:
            pairs.append((phrase_as_request(rng, first), each.sentences[1]))
    return pairs


def phrase_as_request(rng: Rng, sentence: str) -> str:
    """Turn `Computes the rank.` into a request; return any other beginning unchanged."""
    found = IMPERATIVE.match(sentence)
    if not found:
        return sentence
    rest = f"{found[1].lower()} {sentence[found.end() :].rstrip('. ')}"
    return rng.choice(LEADS).format(rest)


def _build_quiz(rng: Rng, kept: list[DocumentedObject]) -> list[Pair]:
    """Return pairs (name of three words or more, first sentence of its docstring)."""
    chosen = {d.sentences[0]: d.name for d in kept if len(d.name.split()) >= 3}
    names: dict[str, str] = {}
    for sentence, name in chosen.items():
        names.setdefault(name, phrase_as_request(rng, sentence))
    return list(names.items())


def _draw_random_phrases(rng: Rng, vocabulary: list[str], count: int) -> list[str]:
    """Draw `count` phrases of random words, which cover what the sentences do not."""
    whole = [word for word in vocabulary if word.isascii() and word.isalpha() and len(word) > 2]
    texts = []
    for _ in range(count):
        # BERT's vocabulary is sorted by how frequent its words are.
        words = [whole[int(len(whole) * rng.random() ** 1.5)] for _ in range(rng.randint(2, 6))]
        texts.append(
            rng.choice(("how to {}", "{}", "the {}", "what is {}")).format(" ".join(words))
        )
    return texts


def _split_sentences(text: str) -> list[str]:
    return [s.strip() for s in re.split(r"(?<=[.;:])\s+", text) if len(s.split()) >= 4]


def list_seed_subproblems() -> list[str]:
    """Return the subproblems of the seed store, those of held-out families included."""
    return [
        e.subproblem for e in (*read_handwritten_entries(), *curriculum.list_curriculum_entries())
    ]
