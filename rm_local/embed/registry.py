"""Finds embedders by their names, as in the option `--embedder`."""

from __future__ import annotations

from dataclasses import dataclass

from rm_local.embed import hub_models, minilm, static
from rm_local.errors import UsageError
from rm_local.store import EmbedderId

MINILM, STATIC_CHOICE = "minilm", "static"


@dataclass(frozen=True, slots=True)
class EmbedderChoice:
    """An embedder chosen for a new store, before it is loaded."""

    name: str
    """`minilm`, `static`, a folder, or a name on Hugging Face."""
    id: EmbedderId
    known_words: frozenset[str]
    """Words that are a single token of the embedder, in lower case."""

    @property
    def model(self) -> str | None:
        """The argument `model` for `BulkEmbedder`; None for all-MiniLM-L6-v2."""
        return None if self.name == MINILM else self.name


def choose_embedder(name: str, dimension: int | None = None) -> EmbedderChoice:
    """Choose the embedder `name`, with its vectors cut to `dimension` unless that is None.

    Raises:
        ModelNotFoundError, InvalidModelError: The embedder is missing or damaged.
        UsageError: The embedder was not trained for `dimension`, or its vectors do not fit a
            store.
    """
    if name == STATIC_CHOICE:
        table = static.load_shipped_static()
        if dimension not in (None, table.id.dimension):
            raise UsageError(
                f"{static.STATIC_EMBEDDER} was not trained to be cut to {dimension} dimensions.",
                f"It has {table.id.dimension}: leave --dimension out.",
            )
        return EmbedderChoice(name, table.id, table.known_words)
    folder = minilm.find_minilm_weights() if name == MINILM else hub_models.find_model_folder(name)
    called = minilm.MINILM.id if name == MINILM else hub_models.choose_model_name(name)
    id = hub_models.identify_embedder(folder, called, dimension)
    if id.dimension % 8:
        raise UsageError(
            f"{called} has {id.dimension} dimensions.", "A store needs a multiple of 8."
        )
    return EmbedderChoice(name, id, hub_models.read_known_words(folder))
