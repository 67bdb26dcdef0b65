"""Makes one store entry for each family, of its description and its steps in prose."""

from __future__ import annotations

from models.curriculum.families import Family, read_families
from rm_local.records import Entry

SENTENCE_OPENERS = frozenset({"For", "If", "Otherwise", "The", "Where", "While", "With"})
"""First words of steps that are whole sentences; all other steps begin with an imperative."""
LINKS = ("I should first", "Then I", "Next I", "After that I", "Finally I")
"""Words before the imperatives of a family's steps, in order; a family has at most five steps."""


def list_family_entries() -> list[Entry]:
    """Return the entries of all families, in the order of the file."""
    return [build_family_entry(family) for family in read_families().values()]


def build_family_entry(family: Family) -> Entry:
    """Return an entry of the family's subproblem and procedure."""
    return Entry(
        family.subproblem, format_procedure(family), family.domain, f"families/{family.name}"
    )


def format_procedure(family: Family) -> str:
    """Format the family's description and steps as a procedure in the first person."""
    links = iter(LINKS)
    steps = [
        step if step.split()[0] in SENTENCE_OPENERS else f"{next(links)} {_lower_first(step)}"
        for step in family.steps
    ]
    return f"For problems like this, where {_lower_first(family.asks[:-1])}: {' '.join(steps)}"


def _lower_first(text: str) -> str:
    return text[0].lower() + text[1:]
