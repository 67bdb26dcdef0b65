"""Problems about rules on words and lists that exist in one problem only."""

from __future__ import annotations

import random

from models.curriculum.draws import RandomDraws, read_vocabulary
from models.curriculum.invented.coining import coin_word
from models.curriculum.invented.posing import (
    SharedNumbersError,
    WorkedSteps,
    pose_problem,
    vary_case,
)
from models.curriculum.invented.prose import Clause, ProcedureContext, capitalize_first
from models.curriculum.invented.string_rules import (
    FILTERS,
    NUMBER,
    NUMBERS,
    OPERATIONS,
    WORD,
    WORDS,
    Value,
    is_common_operation,
)
from models.curriculum.invented.tables import read_table
from models.curriculum.problem import Problem
from models.curriculum.slots import fill_wording

Rng = random.Random
TEXTS = read_table("strings")
_GIVEN = {WORD: "the word", NUMBERS: "the list of numbers", WORDS: "the list of words"}
_RESULTS = {
    WORD: ("it", "it", "the result", "what I have"),
    NUMBER: ("it", "it", "that"),
    NUMBERS: ("the new list", "the list", "the result"),
    WORDS: ("the new list", "the list", "the result"),
}
_ORDERING = ("backwards", "sort_up", "sort_down", "sort_words", "reverse", "sort_letters")
_ORDERLESS = (
    *_ORDERING,
    "total",
    "spread",
    "largest_plus_count",
    "all_letters",
    "vowels_times",
    "letters_times",
    "letters_minus_vowels",
)
"""Operations whose result does not depend on the order of the items."""
_LONGEST = 34
"""Maximum length in characters of a resulting word."""
Rule = list[tuple[str, str | int]]
"""Operations in order, each with its parameter."""


def draw_string_problem(rng: Rng) -> Problem:
    """Draw a problem about a rule on words or lists."""
    while True:
        kind = rng.choices((WORD, NUMBERS, WORDS), (45, 33, 22))[0]
        rule = _draw_rule(rng, kind)
        if rule is None:
            continue
        for _ in range(8):
            value = _draw_value(rng, kind)
            steps = _compute_values(rule, value)
            if steps is None or steps[-1] in (value, *steps[:-1]):
                continue
            try:
                return _pose_rule(rng, kind, rule, value, steps)
            except SharedNumbersError:
                continue


def _draw_rule(rng: Rng, kind: str) -> Rule | None:
    """Draw one to three operations that fit each other; None if the rule is too common."""
    count = rng.choices((1, 2, 3), (20, 50, 30))[0]
    rule: Rule = []
    while len(rule) < count:
        fitting = [n for n, o in OPERATIONS.items() if o.kind == kind]
        fitting = [n for n in fitting if n not in [r for r, _ in rule] and _may_follow(n, rule)]
        if not fitting:
            break
        name = rng.choice(fitting)
        rule.append((name, _draw_parameter(rng, OPERATIONS[name].own)))
        kind = OPERATIONS[name].result
    return None if is_common_operation([name for name, _ in rule]) else rule


def _may_follow(name: str, rule: Rule) -> bool:
    """Return whether the operation makes sense after those of the rule."""
    before = [n.split(":")[0] for n, _ in rule]
    last = before[-1] if before else ""
    if last in ("upper", "dashes", "glue", "add_length"):
        return False
    if last in _ORDERING and name.split(":")[0] in _ORDERLESS:
        return False
    opposite = {
        ("first_to_end", "last_to_front"),
        ("append", "drop_last"),
        ("prepend", "drop_first"),
    }
    return (last, name) not in opposite and (name, last) not in opposite


def _draw_parameter(rng: Rng, own: str) -> str | int:
    """Draw a parameter of this kind; 0 for an operation without one."""
    match own:
        case "small":
            return rng.randint(2, 9)
        case "limit":
            return rng.choice((rng.randint(5, 40), rng.randint(2, 12) * 5))
        case "length":
            return rng.randint(3, 6)
        case "letter":
            return rng.choice("aeiounrtls") + rng.choice("aeioumxzk")
        case "ending":
            return coin_word(rng, 1)[: rng.choice((2, 2, 3))]
        case "sign":
            return rng.choice(("-", "+", "/", "&", "_", "."))
        case _:
            return 0


def _draw_value(rng: Rng, kind: str) -> Value:
    draws = RandomDraws(rng)
    if kind == WORD:
        return coin_word(rng) if rng.random() < 0.1 else draws.word(4, 10)
    if kind == WORDS:
        pool = read_vocabulary("names") if rng.random() < 0.2 else read_vocabulary("words")
        return [w.lower() for w in rng.sample(pool, rng.randint(3, 6))]
    high = rng.choice((12, 30, 60, 100))
    return rng.sample(range(1, high + 1), rng.randint(3, 7))


def _compute_values(rule: Rule, value: Value) -> list[Value] | None:
    """Return the value after each operation; None if one has no effect or an empty result."""
    found: list[Value] = []
    for name, own in rule:
        if not isinstance(value, int) and len(value) < (3 if isinstance(value, str) else 2):
            return None
        if isinstance(own, str) and name == "replace_letter" and own[0] == own[1]:
            return None
        before = value
        value = OPERATIONS[name].apply(value, own)
        if value in ([], "", before) or (isinstance(value, str) and len(value) > _LONGEST):
            return None
        if isinstance(value, int) and not 0 <= value < 100_000:
            return None
        if isinstance(value, list) and any(isinstance(v, int) and v < 0 for v in value):
            return None
        found.append(value)
    return found


def _pose_rule(rng: Rng, kind: str, rule: Rule, value: Value, steps: list[Value]) -> Problem:
    result = OPERATIONS[rule[-1][0]].result
    name = _draw_name(rng, kind, result)
    clauses = _phrase_clauses(rng, kind, rule)
    work = WorkedSteps()
    before, middle, person = value, rng.choice(("Then", "Next", "")), rng.choice(("I ", "I ", ""))
    for number, ((key, own), after) in enumerate(zip(rule, steps, strict=True)):
        lead = ("First" if len(rule) > 1 and person else "") if number == 0 else middle
        said = capitalize_first(f"{lead} {person}{clauses[number].action}:".strip())
        kept = key in FILTERS
        work.add_calculation(
            said,
            OPERATIONS[key].expression(before, own),
            f", so {_format_answer(after)} {_inflect_stay(after)}." if kept else ".",
        )
        if kept:
            work.reached = _format_answer(after)
        before = after
    answer = _format_answer(steps[-1])
    work.add_sentence(
        rng.choice((f"So the {name} is {answer}.", f"The {name} is {answer}.", f"It is {answer}."))
    )
    telling = ProcedureContext(name, _GIVEN[kind], extras=_list_extras(kind, rule))
    question = _phrase_question(rng, kind, name, value)
    domain = rng.choice(("practical", "code")) if kind == WORD else rng.choice(("code", "math"))
    return pose_problem(rng, telling, clauses, question, work, answer, domain)


def _inflect_stay(value: Value) -> str:
    return "stay" if isinstance(value, list) and len(value) > 1 else "stays"


def _phrase_clauses(rng: Rng, kind: str, rule: Rule) -> list[Clause]:
    clauses: list[Clause] = []
    spoken = _GIVEN[kind].replace("list of ", rng.choice(("list of ", "")))
    for key, own in rule:
        phrase = rng.choice(TEXTS["phrases"][key.split(":")[0]])
        k, m = (own[0], own[1]) if key == "replace_letter" and isinstance(own, str) else (own, "")
        clauses.append(Clause(phrase.format(a=spoken, k=k, m=m)))
        spoken = rng.choice(_RESULTS[OPERATIONS[key].result])
    return clauses


def _list_extras(kind: str, rule: Rule) -> tuple[str, ...]:
    keys = {key.split(":")[0] for key, _ in rule}
    extras: list[str] = []
    if keys & {"double_vowels", "drop_vowels", "vowels_times", "letters_minus_vowels"}:
        extras.append("The vowels are a, e, i, o and u; y is none.")
    if kind != WORD:
        extras.append("The order of the list matters.")
    if kind == WORD:
        extras.append("I go letter by letter and do not trust my ear.")
    if keys & {"drop_above", "keep_above"}:
        extras.append("A number that is equal to the limit is not above it.")
    return tuple(extras)


def _draw_name(rng: Rng, kind: str, result: str) -> str:
    names = TEXTS["names"]
    last = rng.choice(names[result])
    style = rng.random()
    if style < 0.5:
        return f"{coin_word(rng)} {last}"
    if style < 0.6:
        return coin_word(rng)
    return f"{rng.choice(names['adjectives'])} {last}"


def _phrase_question(rng: Rng, kind: str, name: str, value: Value) -> str:
    wording = rng.choice(TEXTS["asks"][kind]).replace("{n}", name)
    text = fill_wording(
        rng, wording.replace("{w}", "{value}"), {"value": _format_as_typed(rng, value)}
    )
    return vary_case(rng, text)


def _format_as_typed(rng: Rng, value: Value) -> str:
    """Format the value in one of the ways in which people write it."""
    if not isinstance(value, list):
        return str(value)
    items = [str(v) for v in value]
    style = rng.random()
    if style < 0.4:
        return ", ".join(items)
    if style < 0.75:
        return " and ".join([", ".join(items[:-1]), items[-1]])
    return f"[{', '.join(items)}]" if style < 0.9 else " ".join(items)


def _format_answer(value: Value) -> str:
    """Format the value as an answer: numbers in brackets, words with commas."""
    if isinstance(value, list):
        text = ", ".join(str(v) for v in value)
        return f"[{text}]" if isinstance(value[0], int) else text
    return str(value)
