"""Questions about a quantity, as people ask them."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from fractions import Fraction

from models.curriculum.invented.numeric_inputs import Input, Rule
from models.curriculum.invented.posing import in_manner, with_article
from models.curriculum.invented.prose import capital, listed
from models.curriculum.invented.tables import table
from models.curriculum.slots import fill_wording

Rng = random.Random
TEXTS = table("numeric_asks")
_OWN = 0.6
"""Share of questions in words of the rule's own, where it has some."""
_DISTRACTED = 0.14


def ask(rng: Rng, rule: Rule, inputs: Mapping[str, Fraction]) -> str:
    """A question with these inputs in any order."""
    wording = rng.choice(rule.asks) if rule.asks and rng.random() < _OWN else _wording(rng, rule)
    if rng.random() < _DISTRACTED and all(len(key) > 1 for key in rule.inputs):
        wording = _distracted(rng, wording)
    values = {k: int(v) if v.denominator == 1 else v for k, v in inputs.items()}
    text = fill_wording(rng, wording, values)
    return in_manner(rng, capital(text))


def _wording(rng: Rng, rule: Rule) -> str:
    if all(len(key) == 1 for key in rule.inputs):
        pattern = rng.choice(TEXTS["letters"])
    elif rule.about and rng.random() < 0.4:
        pattern = rng.choice(TEXTS["patterns_of_thing"])
    else:
        pattern = rng.choice(TEXTS["patterns"])
    items = list(rule.inputs.items())
    rng.shuffle(items)
    told = [(key, _called(rng, each), each) for key, each in items]
    short = rng.random() < 0.35
    units = {key: "" if short or each.plural else each.unit for key, each in items}
    forms = {
        "is": listed([_is(k, noun, e, units[k]) for k, noun, e in told]),
        "of": listed([_of(k, noun, e, units[k]) for k, noun, e in told]),
        "eq": ", ".join(f"{noun}{_equals(rng)}{{{k}}}{_unit(units[k])}" for k, noun, e in told),
        "col": rng.choice((", ", "; ")).join(
            f"{noun}: {{{k}}}{_unit(units[k])}" for k, noun, e in told
        ),
        "bare": ", ".join(_bare(k, noun, e, units[k]) for k, noun, e in told),
        "n": rule.name,
        "thing": rng.choice(rule.about) if rule.about else "thing",
    }
    forms = {**forms, **{key.capitalize(): capital(text) for key, text in forms.items()}}
    forms["Thing"] = capital(forms["thing"])
    wording = re.sub(
        r"\{(\w+)\}", lambda m: forms.get(m[1], m[0]) if m[1] not in rule.inputs else m[0], pattern
    )
    wording = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", wording)
    return wording


def _called(rng: Rng, each: Input) -> str:
    return rng.choice(each.others) if each.others and rng.random() < 0.35 else each.noun


def _equals(rng: Rng) -> str:
    return rng.choice((" = ", " = ", "="))


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""


def _is(key: str, noun: str, each: Input, unit: str) -> str:
    if len(noun) == 1:
        return f"{noun} is {{{key}}}"
    if each.plural:
        return f"the number of {noun} is {{{key}}}"
    return f"the {noun} is {{{key}}}{_unit(unit)}"


def _of(key: str, noun: str, each: Input, unit: str) -> str:
    if each.plural:
        return f"{{{key}}} {noun}"
    return f"{with_article(noun)} of {{{key}}}{_unit(unit)}"


def _bare(key: str, noun: str, each: Input, unit: str) -> str:
    return f"{{{key}}} {noun}" if each.plural else f"{noun} {{{key}}}{_unit(unit)}"


def _distracted(rng: Rng, wording: str) -> str:
    """A sentence with a number that nothing depends on, before or behind."""
    idle = rng.choice(TEXTS["distractors"])
    if "\n" in wording:
        return wording
    if rng.random() < 0.6:
        return f"{idle} {capital(wording)}"
    return f"{wording} {idle}" if wording[-1] in ".?!" else f"{wording}. {idle}"
