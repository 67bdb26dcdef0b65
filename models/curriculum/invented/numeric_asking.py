"""Wordings of questions about a quantity."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from fractions import Fraction

from models.curriculum.invented.numeric_inputs import Input, Rule
from models.curriculum.invented.posing import add_article, vary_case
from models.curriculum.invented.prose import capitalize_first, join_list
from models.curriculum.invented.tables import read_table
from models.curriculum.slots import fill_wording

Rng = random.Random
TEXTS = read_table("numeric_asks")
_OWN = 0.6
"""Share of questions in the rule's own wordings, if it has any."""
_DISTRACTED = 0.14


def phrase_question(rng: Rng, rule: Rule, inputs: Mapping[str, Fraction]) -> str:
    """Return a question with these inputs, in random order and wording."""
    wording = (
        rng.choice(rule.asks) if rule.asks and rng.random() < _OWN else _draw_wording(rng, rule)
    )
    if rng.random() < _DISTRACTED and all(len(key) > 1 for key in rule.inputs):
        wording = _add_distractor(rng, wording)
    values = {k: int(v) if v.denominator == 1 else v for k, v in inputs.items()}
    text = fill_wording(rng, wording, values)
    return vary_case(rng, capitalize_first(text))


def _draw_wording(rng: Rng, rule: Rule) -> str:
    if all(len(key) == 1 for key in rule.inputs):
        pattern = rng.choice(TEXTS["letters"])
    elif rule.about and rng.random() < 0.4:
        pattern = rng.choice(TEXTS["patterns_of_thing"])
    else:
        pattern = rng.choice(TEXTS["patterns"])
    items = list(rule.inputs.items())
    rng.shuffle(items)
    stated = [(key, _draw_noun(rng, each), each) for key, each in items]
    short = rng.random() < 0.35
    units = {key: "" if short or each.plural else each.unit for key, each in items}
    forms = {
        "is": join_list([_format_is_clause(k, noun, e, units[k]) for k, noun, e in stated]),
        "of": join_list([_format_of_phrase(k, noun, e, units[k]) for k, noun, e in stated]),
        "eq": ", ".join(
            f"{noun}{_draw_equals_sign(rng)}{{{k}}}{_format_unit(units[k])}"
            for k, noun, e in stated
        ),
        "col": rng.choice((", ", "; ")).join(
            f"{noun}: {{{k}}}{_format_unit(units[k])}" for k, noun, e in stated
        ),
        "bare": ", ".join(_format_bare_value(k, noun, e, units[k]) for k, noun, e in stated),
        "n": rule.name,
        "thing": rng.choice(rule.about) if rule.about else "thing",
    }
    forms = {**forms, **{key.capitalize(): capitalize_first(text) for key, text in forms.items()}}
    forms["Thing"] = capitalize_first(forms["thing"])
    wording = re.sub(
        r"\{(\w+)\}", lambda m: forms.get(m[1], m[0]) if m[1] not in rule.inputs else m[0], pattern
    )
    wording = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", wording)
    return wording


def _draw_noun(rng: Rng, each: Input) -> str:
    return rng.choice(each.others) if each.others and rng.random() < 0.35 else each.noun


def _draw_equals_sign(rng: Rng) -> str:
    return rng.choice((" = ", " = ", "="))


def _format_unit(unit: str) -> str:
    return f" {unit}" if unit else ""


def _format_is_clause(key: str, noun: str, each: Input, unit: str) -> str:
    if len(noun) == 1:
        return f"{noun} is {{{key}}}"
    if each.plural:
        return f"the number of {noun} is {{{key}}}"
    return f"the {noun} is {{{key}}}{_format_unit(unit)}"


def _format_of_phrase(key: str, noun: str, each: Input, unit: str) -> str:
    if each.plural:
        return f"{{{key}}} {noun}"
    return f"{add_article(noun)} of {{{key}}}{_format_unit(unit)}"


def _format_bare_value(key: str, noun: str, each: Input, unit: str) -> str:
    return f"{{{key}}} {noun}" if each.plural else f"{noun} {{{key}}}{_format_unit(unit)}"


def _add_distractor(rng: Rng, wording: str) -> str:
    """Add a sentence with a number on which nothing depends, before or after the question."""
    idle = rng.choice(TEXTS["distractors"])
    if "\n" in wording:
        return wording
    if rng.random() < 0.6:
        return f"{idle} {capitalize_first(wording)}"
    return f"{wording} {idle}" if wording[-1] in ".?!" else f"{wording}. {idle}"
