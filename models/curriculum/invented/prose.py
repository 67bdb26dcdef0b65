"""Writes procedures as prose like that of a store's entries, in many styles."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.curriculum.invented.tables import read_table

Rng = random.Random
TEXTS = read_table("prose")


@dataclass(frozen=True, slots=True)
class Clause:
    """One step of a procedure, in words that follow `I`."""

    action: str
    """Verb phrase in the infinitive: `double the width`."""
    when: str = ""
    """Condition, such as `the result is above 50`; empty for an unconditional step."""
    otherwise: str = ""
    """Verb phrase of the step if the condition does not hold; empty for no step."""

    def format_clause(self, connector: str = "", person: str = "I ") -> str:
        """Format the clause without a full stop: `Then I double the width`."""
        said = f"{person}{self.action}"
        if self.when:
            said = f"if {self.when}, {said}"
            if self.otherwise:
                said += f"; otherwise {person}{self.otherwise}"
        if not connector:
            return said
        return f"{connector}{', ' if self.when else ' '}{said}"


@dataclass(frozen=True, slots=True)
class ProcedureContext:
    """Everything about a procedure except its steps: name, inputs, facts, formula, remarks."""

    name: str
    """Name of the wanted quantity, without an article."""
    given: str
    """The given values with articles: `the width and the rim`."""
    facts: tuple[str, ...] = ()
    """Sentences without which the steps could not be followed."""
    formula: str = ""
    """The procedure as a formula in a sentence; empty if it has none."""
    extras: tuple[str, ...] = ()
    """Optional sentences on settings, checks and mistakes of this procedure."""


def phrase_procedure(rng: Rng, telling: ProcedureContext, clauses: Sequence[Clause]) -> str:
    """Write the procedure in one of the styles, in some cases with a remark, check or warning."""
    style = _write_formula if telling.formula and rng.random() < 0.3 else rng.choice(STYLES)
    body = style(rng, telling, clauses)
    before: list[str] = []
    after: list[str] = []
    if rng.random() < 0.4:
        before.append(_draw_sentence(rng, "settings", telling))
    before.extend(telling.facts)
    if telling.extras and rng.random() < 0.4:
        after.append(rng.choice(telling.extras))
    if rng.random() < 0.3:
        after.append(_draw_sentence(rng, "mistakes", telling))
    if rng.random() < 0.35:
        after.append(_draw_sentence(rng, "checks", telling))
    return (
        " ".join([*before, body, *after]) if "\n" not in body else _join_lines(before, body, after)
    )


def phrase_subproblem(rng: Rng, telling: ProcedureContext, canonical: bool) -> str:
    """Return the procedure as a question.

    `canonical` selects the wording that the model learns to write, else one is drawn.
    """
    one = " and " not in telling.given
    texts = TEXTS["subproblems_of_one" if one else "subproblems"]
    return _fill_slots(texts[0] if canonical else rng.choice(texts), telling)


def capitalize_first(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def join_list(items: Sequence[str], last: str = "and") -> str:
    """Join the items: `a, b and c`."""
    return f" {last} ".join([", ".join(items[:-1]), items[-1]] if items[1:] else items)


def _fill_slots(text: str, telling: ProcedureContext) -> str:
    return text.replace("{n}", telling.name).replace("{g}", telling.given)


def _draw_sentence(rng: Rng, key: str, telling: ProcedureContext) -> str:
    return capitalize_first(_fill_slots(rng.choice(TEXTS[key]), telling))


def _join_lines(before: Sequence[str], body: str, after: Sequence[str]) -> str:
    return "\n".join(part for part in (" ".join(before), body, " ".join(after)) if part)


def _draw_connectors(rng: Rng, count: int) -> list[str]:
    """Draw the words before each of the steps: First, Then, ..., Finally."""
    middle = rng.choice((("Then", "Next"), ("Then", "After that"), ("Next", "Now"), ("Then", "")))
    words = [middle[i % 2] for i in range(count)]
    words[0] = rng.choice(("First", "First", "", "To begin,"))
    if count > 2 or (count == 2 and rng.random() < 0.3):
        words[-1] = rng.choice(("Finally", "At the end", "Last", words[-1], words[-1]))
    return words


def _write_sentences(rng: Rng, clauses: Sequence[Clause], person: str = "I ") -> str:
    """Write each step as a sentence, with connectors."""
    words = _draw_connectors(rng, len(clauses))
    return " ".join(
        capitalize_first(c.format_clause(w, person)) + "."
        for w, c in zip(words, clauses, strict=True)
    )


def _write_chain(rng: Rng, clauses: Sequence[Clause]) -> str:
    """Write the steps as one sentence that follows `I should`, or as several if they are long."""
    if any(c.when for c in clauses) or sum(len(c.action) for c in clauses) > 220:
        first, *rest = clauses
        if first.when:
            return f"look whether {first.when}. " + _write_sentences(rng, clauses)
        stated = _write_sentences(rng, [first, *rest]).split(". ", 1)
        return f"first {first.action}." + (f" {stated[1]}" if rest else "")
    link = rng.choice((", then ", ", and then ", ", next ", "; then "))
    last = rng.choice((", and finally ", ", then ", ", and at the end "))
    actions = [c.action for c in clauses]
    if len(actions) == 1:
        return f"{actions[0]}."
    return link.join(actions[:-1]) + last + actions[-1] + "."


def _write_with_opening(rng: Rng, telling: ProcedureContext, clauses: Sequence[Clause]) -> str:
    opening = _fill_slots(rng.choice(TEXTS["openings"]), telling)
    return f"{opening} {_write_chain(rng, clauses)}{_draw_closing(rng, telling, 0.4)}"


def _write_first_person(rng: Rng, telling: ProcedureContext, clauses: Sequence[Clause]) -> str:
    return _write_sentences(rng, clauses) + _draw_closing(rng, telling, 0.6)


def _write_imperative(rng: Rng, telling: ProcedureContext, clauses: Sequence[Clause]) -> str:
    lead = _draw_sentence(rng, "leads", telling)
    stated = _write_sentences(rng, clauses, "")
    return f"{lead} {stated}{_draw_closing(rng, telling, 0.4)}"


def _write_numbered(rng: Rng, telling: ProcedureContext, clauses: Sequence[Clause]) -> str:
    lead = _draw_sentence(rng, "leads", telling)
    mark = rng.choice(("{i}. ", "{i}) ", "Step {i}: ", "({i}) "))
    person = rng.choice(("", "", "I "))
    ends = rng.choice((" ", "\n"))
    steps = [
        mark.format(i=i) + capitalize_first(c.format_clause("", person)) + "."
        for i, c in enumerate(clauses, 1)
    ]
    return ends.join([lead, *steps])


def _write_bullets(rng: Rng, telling: ProcedureContext, clauses: Sequence[Clause]) -> str:
    mark = rng.choice(("- ", "* "))
    lead = _draw_sentence(rng, "leads", telling)
    return "\n".join([lead, *(mark + c.format_clause("", "") for c in clauses)])


def _write_semicolons(rng: Rng, telling: ProcedureContext, clauses: Sequence[Clause]) -> str:
    lead = rng.choice(("The steps are:", "In short:", "Rule:", "The rule for the {n}:", "Recipe:"))
    steps = "; ".join(
        c.format_clause("", "").replace("; otherwise", ", otherwise") for c in clauses
    )
    return f"{_fill_slots(lead, telling)} {steps}.{_draw_closing(rng, telling, 0.5)}"


def _write_questions_and_answers(
    rng: Rng, telling: ProcedureContext, clauses: Sequence[Clause]
) -> str:
    need = f"What do I need? {capitalize_first(telling.given)}."
    asks = ["What comes first?", "And then?", "What next?", "And after that?", "What else?"]
    stated = [
        f"{asks[min(i, 4)]} {capitalize_first(c.format_clause())}." for i, c in enumerate(clauses)
    ]
    return " ".join([need, *stated])


def _write_given_wanted(rng: Rng, telling: ProcedureContext, clauses: Sequence[Clause]) -> str:
    way = rng.choice(("Way", "Method", "Steps", "How"))
    steps = _write_sentences(rng, clauses, rng.choice(("I ", "")))
    breaks = rng.choice((" ", "\n"))
    return breaks.join(
        (f"Given: {telling.given}.", f"Wanted: the {telling.name}.", f"{way}: {steps}")
    )


def _write_as_habit(rng: Rng, telling: ProcedureContext, clauses: Sequence[Clause]) -> str:
    lead = rng.choice(
        (
            f"When I need the {telling.name}, this is what I do.",
            f"My way to the {telling.name} is always the same.",
            f"I learned to find the {telling.name} like this.",
            f"There are {_phrase_step_count(len(clauses))} to the {telling.name}.",
            f"This is how the {telling.name} is found.",
        )
    )
    return f"{lead} {_write_sentences(rng, clauses)}{_draw_closing(rng, telling, 0.3)}"


def _write_reminder(rng: Rng, telling: ProcedureContext, clauses: Sequence[Clause]) -> str:
    lead = rng.choice(("Remember:", "Note to myself:", "Keep in mind:", "Reminder:"))
    named = rng.choice((f"for the {telling.name}, ", f"the {telling.name} is found so. "))
    stated = _write_sentences(rng, clauses)
    kept = stated[:1] if stated.startswith("I ") else stated[:1].lower()
    stated = stated if named.endswith(". ") else kept + stated[1:]
    return f"{lead} {named}{stated}"


def _write_second_person(rng: Rng, telling: ProcedureContext, clauses: Sequence[Clause]) -> str:
    lead = rng.choice(
        (
            f"If you want the {telling.name}, do it like this.",
            f"Somebody explained the {telling.name} to me so:",
            f"The {telling.name}, as my teacher stated it:",
        )
    )
    return f"{lead} {_write_sentences(rng, clauses, 'you ')}{_draw_closing(rng, telling, 0.3)}"


def _write_ordinals(rng: Rng, telling: ProcedureContext, clauses: Sequence[Clause]) -> str:
    """Write each step after its ordinal number: First, Second, Third."""
    words = ["First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth"]
    noun = rng.choice((" step", "", " thing to do"))
    stated = [
        f"{w}{noun}: {c.format_clause('', '')}." for w, c in zip(words, clauses, strict=False)
    ]
    return " ".join([*stated, _draw_sentence(rng, "closings", telling)])


def _write_start_to_end(rng: Rng, telling: ProcedureContext, clauses: Sequence[Clause]) -> str:
    """Write the steps after the words start, go on and end."""
    if len(clauses) < 2:
        return _write_imperative(rng, telling, clauses)
    start, middle, end = rng.choice((("Start", "Go on", "End"), ("Begin", "Continue", "Finish")))
    words = [start, *[middle] * (len(clauses) - 2), end]
    stated = [f"{w}: {c.format_clause('', '')}." for w, c in zip(words, clauses, strict=True)]
    return f"{_draw_sentence(rng, 'leads', telling)} {' '.join(stated)}"


def _write_purpose_last(rng: Rng, telling: ProcedureContext, clauses: Sequence[Clause]) -> str:
    """Write the last step in a sentence that names the wanted quantity."""
    if len(clauses) < 2 or clauses[-1].when:
        return _write_first_person(rng, telling, clauses)
    stated = _write_sentences(rng, clauses[:-1])
    return f"{stated} To get the {telling.name} out of that, I {clauses[-1].action}."


def _write_formula(rng: Rng, telling: ProcedureContext, clauses: Sequence[Clause]) -> str:
    """Write the formula, alone or followed by the steps."""
    if rng.random() < 0.45:
        return telling.formula
    link = rng.choice(("In steps:", "That is:", "In other words:", "Worked step by step:"))
    return f"{telling.formula} {link} {_write_sentences(rng, clauses)}"


def _draw_closing(rng: Rng, telling: ProcedureContext, share: float) -> str:
    return f" {_draw_sentence(rng, 'closings', telling)}" if rng.random() < share else ""


def _phrase_step_count(steps: int) -> str:
    words = ("no steps", "one step", "two steps", "three steps", "four steps", "five steps")
    return words[steps] if steps < len(words) else "some steps"


STYLES: tuple[Callable[[Rng, ProcedureContext, Sequence[Clause]], str], ...] = (
    _write_with_opening,
    _write_with_opening,
    _write_with_opening,
    _write_first_person,
    _write_first_person,
    _write_imperative,
    _write_numbered,
    _write_numbered,
    _write_bullets,
    _write_semicolons,
    _write_questions_and_answers,
    _write_given_wanted,
    _write_as_habit,
    _write_reminder,
    _write_second_person,
    _write_ordinals,
    _write_start_to_end,
    _write_purpose_last,
)
