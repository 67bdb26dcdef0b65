"""What a user without a model of their own can do first: questions to try, models to get."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rm_local.library.embedded_models import RM_NANO, RM_SMALL
from rm_local.system import measure_free_memory

if TYPE_CHECKING:
    from rm_local.library.hub.catalog import CatalogEntry
    from rm_local.settings import Settings

ABOUT = {
    RM_NANO.name: "is included to show the method: 4.9 million parameters.\n"
    "It solves short school problems that the store explains; little else.",
    RM_SMALL.name: "is SmolLM2, 135 million parameters, trained for the method.\n"
    "It solves short school problems and talks; it knows little.",
}
"""What each embedded model is, and what it can do, in two lines."""
QUESTIONS = (
    "What is the kinetic energy for mass 4 kg and speed 6 m/s?",
    "What is the density for mass 12 kg and volume 3 m^3?",
    "Solve 3x + 5 = 20.",
)
"""Questions that the embedded models answer."""
FREE_SHARE = 0.7
"""Share of the free memory that a suggested model may take; the rest is for other programs."""
MAX_PARAMETERS = 4.5
"""Maximum of 1e9 parameters of a suggested model: more are slow without a GPU."""
MAX_FOUND = 3
"""Maximum number of models on this machine that are named."""


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What to show a user who runs an embedded model because they named no other."""

    model: str
    """Name of the embedded model."""
    about: str
    """What it is and what it can do, in two lines; the first continues the name."""
    free: int | None
    """Free memory in bytes; None if the system does not report it."""
    suggestion: CatalogEntry | None
    """The best model of the catalog for this machine; None if none fits."""
    found: tuple[str, ...]
    """Names of models on this machine that generate text, the largest first."""


def find_first_steps(settings: Settings, model: Path) -> FirstSteps:
    """Find what to show a user who runs the embedded model `model`: rm-nano's path, or RM_SMALL.

    The folders of other programs are searched, so call it in a thread.
    """
    name = RM_SMALL.name if model == RM_SMALL else RM_NANO.name
    free = measure_free_memory()
    return FirstSteps(
        name,
        ABOUT[name],
        free,
        suggest_catalog_model(free),
        _list_largest_own_model_names(settings),
    )


def suggest_catalog_model(free: int | None) -> CatalogEntry | None:
    """Choose the largest model of the catalog that fits into FREE_SHARE of `free` bytes.

    Models of more than MAX_PARAMETERS are not chosen.
    Of models of equal size one that thinks is chosen. None if none fits, or the size of the free
    memory is not known.
    """
    from rm_local.library.hub.catalog import load_catalog

    room = FREE_SHARE * (free or 0) / 1e9
    fitting = [
        entry
        for entry in load_catalog().entries
        if entry.estimated_memory_gb <= room and entry.parameters <= MAX_PARAMETERS
    ]
    return max(fitting, key=lambda entry: (entry.parameters, entry.thinks), default=None)


def _list_largest_own_model_names(settings: Settings) -> tuple[str, ...]:
    """Return the names of at most MAX_FOUND text models of the user, the largest first."""
    from rm_local.library.locations import SHIPPED_SOURCE
    from rm_local.library.models import find_models

    listed = [
        each
        for each in find_models(settings).models
        if each.place != SHIPPED_SOURCE and each.model.kind == "text" and not each.model.missing
    ]
    listed.sort(key=lambda each: -each.model.parameters)
    return tuple(each.name for each in listed[:MAX_FOUND])
