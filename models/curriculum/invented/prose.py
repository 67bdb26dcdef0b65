"""How a procedure is told: whole texts in the manner of a store's entries, in many styles."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.curriculum.invented.tables import table

Rng = random.Random
TEXTS = table("prose")


@dataclass(frozen=True, slots=True)
class Clause:
    """One step, in words that follow `I`."""

    action: str
    """`double the width`, of a verb in its plain form."""
    when: str = ""
    """Condition of it, e.g. `the result is above 50`; empty if it is always done."""
    otherwise: str = ""
    """What is done else, in words that follow `I`; empty for nothing."""

    def told(self, connector: str = "", person: str = "I ") -> str:
        """The clause without a full stop: `Then I double the width`."""
        said = f"{person}{self.action}"
        if self.when:
            said = f"if {self.when}, {said}"
            if self.otherwise:
                said += f"; otherwise {person}{self.otherwise}"
        if not connector:
            return said
        return f"{connector}{', ' if self.when else ' '}{said}"


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told about a procedure beside its steps."""

    name: str
    """What is wanted, without an article."""
    given: str
    """What is given, with articles, e.g. `the width and the rim`."""
    facts: tuple[str, ...] = ()
    """Sentences without which the steps could not be followed."""
    formula: str = ""
    """The procedure as a formula in a sentence; empty if it has none."""
    extras: tuple[str, ...] = ()
    """Further settings, checks and warnings that fit this procedure alone."""


def tell_procedure(rng: Rng, telling: Telling, clauses: Sequence[Clause]) -> str:
    """The procedure in one of the styles, at times with an aside, a check or a warning."""
    style = _formula if telling.formula and rng.random() < 0.3 else rng.choice(STYLES)
    body = style(rng, telling, clauses)
    before: list[str] = []
    after: list[str] = []
    if rng.random() < 0.4:
        before.append(_sentence(rng, "settings", telling))
    before.extend(telling.facts)
    if telling.extras and rng.random() < 0.4:
        after.append(rng.choice(telling.extras))
    if rng.random() < 0.3:
        after.append(_sentence(rng, "mistakes", telling))
    if rng.random() < 0.35:
        after.append(_sentence(rng, "checks", telling))
    return " ".join([*before, body, *after]) if "\n" not in body else _in_lines(before, body, after)


def name_subproblem(rng: Rng, telling: Telling, canonical: bool) -> str:
    """The procedure as a question; `canonical` for the wording that the model is to write."""
    one = " and " not in telling.given
    texts = TEXTS["subproblems_of_one" if one else "subproblems"]
    return _filled(texts[0] if canonical else rng.choice(texts), telling)


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def listed(items: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    return f" {last} ".join([", ".join(items[:-1]), items[-1]] if items[1:] else items)


def _filled(text: str, telling: Telling) -> str:
    return text.replace("{n}", telling.name).replace("{g}", telling.given)


def _sentence(rng: Rng, key: str, telling: Telling) -> str:
    return capital(_filled(rng.choice(TEXTS[key]), telling))


def _in_lines(before: Sequence[str], body: str, after: Sequence[str]) -> str:
    return "\n".join(part for part in (" ".join(before), body, " ".join(after)) if part)


def _connectors(rng: Rng, count: int) -> list[str]:
    """Words before the steps: First, Then, ..., Finally."""
    middle = rng.choice((("Then", "Next"), ("Then", "After that"), ("Next", "Now"), ("Then", "")))
    words = [middle[i % 2] for i in range(count)]
    words[0] = rng.choice(("First", "First", "", "To begin,"))
    if count > 2 or (count == 2 and rng.random() < 0.3):
        words[-1] = rng.choice(("Finally", "At the end", "Last", words[-1], words[-1]))
    return words


def _separate(rng: Rng, clauses: Sequence[Clause], person: str = "I ") -> str:
    """The steps as sentences."""
    words = _connectors(rng, len(clauses))
    return " ".join(capital(c.told(w, person)) + "." for w, c in zip(words, clauses, strict=True))


def _chained(rng: Rng, clauses: Sequence[Clause]) -> str:
    """The steps in one sentence, in words that follow `I should`; long ones are sentences."""
    if any(c.when for c in clauses) or sum(len(c.action) for c in clauses) > 220:
        first, *rest = clauses
        if first.when:
            return f"look whether {first.when}. " + _separate(rng, clauses)
        told = _separate(rng, [first, *rest]).split(". ", 1)
        return f"first {first.action}." + (f" {told[1]}" if rest else "")
    link = rng.choice((", then ", ", and then ", ", next ", "; then "))
    last = rng.choice((", and finally ", ", then ", ", and at the end "))
    actions = [c.action for c in clauses]
    if len(actions) == 1:
        return f"{actions[0]}."
    return link.join(actions[:-1]) + last + actions[-1] + "."


def _should(rng: Rng, telling: Telling, clauses: Sequence[Clause]) -> str:
    opening = _filled(rng.choice(TEXTS["openings"]), telling)
    return f"{opening} {_chained(rng, clauses)}{_closed(rng, telling, 0.4)}"


def _first_person(rng: Rng, telling: Telling, clauses: Sequence[Clause]) -> str:
    return _separate(rng, clauses) + _closed(rng, telling, 0.6)


def _imperative(rng: Rng, telling: Telling, clauses: Sequence[Clause]) -> str:
    lead = _sentence(rng, "leads", telling)
    told = _separate(rng, clauses, "")
    return f"{lead} {told}{_closed(rng, telling, 0.4)}"


def _numbered(rng: Rng, telling: Telling, clauses: Sequence[Clause]) -> str:
    lead = _sentence(rng, "leads", telling)
    mark = rng.choice(("{i}. ", "{i}) ", "Step {i}: ", "({i}) "))
    person = rng.choice(("", "", "I "))
    ends = rng.choice((" ", "\n"))
    steps = [mark.format(i=i) + capital(c.told("", person)) + "." for i, c in enumerate(clauses, 1)]
    return ends.join([lead, *steps])


def _bullets(rng: Rng, telling: Telling, clauses: Sequence[Clause]) -> str:
    mark = rng.choice(("- ", "* "))
    lead = _sentence(rng, "leads", telling)
    return "\n".join([lead, *(mark + c.told("", "") for c in clauses)])


def _semicolons(rng: Rng, telling: Telling, clauses: Sequence[Clause]) -> str:
    lead = rng.choice(("The steps are:", "In short:", "Rule:", "The rule for the {n}:", "Recipe:"))
    steps = "; ".join(c.told("", "").replace("; otherwise", ", otherwise") for c in clauses)
    return f"{_filled(lead, telling)} {steps}.{_closed(rng, telling, 0.5)}"


def _asked(rng: Rng, telling: Telling, clauses: Sequence[Clause]) -> str:
    need = f"What do I need? {capital(telling.given)}."
    asks = ["What comes first?", "And then?", "What next?", "And after that?", "What else?"]
    told = [f"{asks[min(i, 4)]} {capital(c.told())}." for i, c in enumerate(clauses)]
    return " ".join([need, *told])


def _given_wanted(rng: Rng, telling: Telling, clauses: Sequence[Clause]) -> str:
    way = rng.choice(("Way", "Method", "Steps", "How"))
    steps = _separate(rng, clauses, rng.choice(("I ", "")))
    breaks = rng.choice((" ", "\n"))
    return breaks.join(
        (f"Given: {telling.given}.", f"Wanted: the {telling.name}.", f"{way}: {steps}")
    )


def _habit(rng: Rng, telling: Telling, clauses: Sequence[Clause]) -> str:
    lead = rng.choice(
        (
            f"When I need the {telling.name}, this is what I do.",
            f"My way to the {telling.name} is always the same.",
            f"I learned to find the {telling.name} like this.",
            f"There are {_count(len(clauses))} to the {telling.name}.",
            f"This is how the {telling.name} is found.",
        )
    )
    return f"{lead} {_separate(rng, clauses)}{_closed(rng, telling, 0.3)}"


def _reminder(rng: Rng, telling: Telling, clauses: Sequence[Clause]) -> str:
    lead = rng.choice(("Remember:", "Note to myself:", "Keep in mind:", "Reminder:"))
    named = rng.choice((f"for the {telling.name}, ", f"the {telling.name} is found so. "))
    told = _separate(rng, clauses)
    kept = told[:1] if told.startswith("I ") else told[:1].lower()
    told = told if named.endswith(". ") else kept + told[1:]
    return f"{lead} {named}{told}"


def _told_to_you(rng: Rng, telling: Telling, clauses: Sequence[Clause]) -> str:
    lead = rng.choice(
        (
            f"If you want the {telling.name}, do it like this.",
            f"Somebody explained the {telling.name} to me so:",
            f"The {telling.name}, as my teacher told it:",
        )
    )
    return f"{lead} {_separate(rng, clauses, 'you ')}{_closed(rng, telling, 0.3)}"


def _ordinals(rng: Rng, telling: Telling, clauses: Sequence[Clause]) -> str:
    """Each step with its place in words."""
    words = ["First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth"]
    noun = rng.choice((" step", "", " thing to do"))
    told = [f"{w}{noun}: {c.told('', '')}." for w, c in zip(words, clauses, strict=False)]
    return " ".join([*told, _sentence(rng, "closings", telling)])


def _start_to_end(rng: Rng, telling: Telling, clauses: Sequence[Clause]) -> str:
    """Start, go on, end."""
    if len(clauses) < 2:
        return _imperative(rng, telling, clauses)
    start, middle, end = rng.choice((("Start", "Go on", "End"), ("Begin", "Continue", "Finish")))
    words = [start, *[middle] * (len(clauses) - 2), end]
    told = [f"{w}: {c.told('', '')}." for w, c in zip(words, clauses, strict=True)]
    return f"{_sentence(rng, 'leads', telling)} {' '.join(told)}"


def _purpose(rng: Rng, telling: Telling, clauses: Sequence[Clause]) -> str:
    """The last step is told in a sentence of its own, as the one that gives what is wanted."""
    if len(clauses) < 2 or clauses[-1].when:
        return _first_person(rng, telling, clauses)
    told = _separate(rng, clauses[:-1])
    return f"{told} To get the {telling.name} out of that, I {clauses[-1].action}."


def _formula(rng: Rng, telling: Telling, clauses: Sequence[Clause]) -> str:
    """The formula, alone or with the steps behind it."""
    if rng.random() < 0.45:
        return telling.formula
    link = rng.choice(("In steps:", "That is:", "In other words:", "Worked step by step:"))
    return f"{telling.formula} {link} {_separate(rng, clauses)}"


def _closed(rng: Rng, telling: Telling, share: float) -> str:
    return f" {_sentence(rng, 'closings', telling)}" if rng.random() < share else ""


def _count(steps: int) -> str:
    words = ("no steps", "one step", "two steps", "three steps", "four steps", "five steps")
    return words[steps] if steps < len(words) else "some steps"


STYLES: tuple[Callable[[Rng, Telling, Sequence[Clause]], str], ...] = (
    _should,
    _should,
    _should,
    _first_person,
    _first_person,
    _imperative,
    _numbered,
    _numbered,
    _bullets,
    _semicolons,
    _asked,
    _given_wanted,
    _habit,
    _reminder,
    _told_to_you,
    _ordinals,
    _start_to_end,
    _purpose,
)
