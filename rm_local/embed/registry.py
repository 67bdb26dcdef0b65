"""Embedders by the names that a person gives them, for a store that is to be built."""

from __future__ import annotations

from dataclasses import dataclass

from rm_local.embed import hub_models, minilm, static
from rm_local.errors import UsageError
from rm_local.store import EmbedderId

MINILM, STATIC_CHOICE = "minilm", "static"


@dataclass(frozen=True, slots=True)
class EmbedderChoice:
    """An embedder that a store is to be built with; nothing of it is loaded by that."""

    name: str
    """`minilm`, `static`, a folder, or a name on Hugging Face."""
    id: EmbedderId
    known_words: frozenset[str]
    """Words, in lower case, that it knows whole."""

    @property
    def model(self) -> str | None:
        """What `BulkEmbedder` calls it."""
        return None if self.name == MINILM else self.name


def choose_embedder(name: str, dimension: int | None = None) -> EmbedderChoice:
    """The embedder `name`, its vectors cut to `dimension` where it was trained for that.

    ModelMissing, ModelInvalid; UsageError: it was not trained to be cut so, or its vectors do not
    fit a store.
    """
    if name == STATIC_CHOICE:
        table = static.load_shipped_static()
        if dimension not in (None, table.id.dimension):
            raise UsageError(
                f"{static.STATIC_EMBEDDER} was not trained to be cut to {dimension} dimensions.",
                f"It has {table.id.dimension}: leave --dimension out.",
            )
        return EmbedderChoice(name, table.id, table.known_words)
    folder = minilm.find_minilm_weights() if name == MINILM else hub_models.model_folder(name)
    called = minilm.MINILM.id if name == MINILM else hub_models.model_name(name)
    id = hub_models.identity(folder, called, dimension)
    if id.dimension % 8:
        raise UsageError(
            f"{called} has {id.dimension} dimensions.", "A store needs a multiple of 8."
        )
    return EmbedderChoice(name, id, hub_models.known_words(folder))
