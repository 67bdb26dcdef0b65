"""Embedders by the names that users give to `--embedder`."""

from __future__ import annotations

from dataclasses import dataclass

from rm_local.embed import hub_models, minilm, static
from rm_local.errors import UsageError
from rm_local.store import EmbedderId

MINILM, STATIC_CHOICE = "minilm", "static"


@dataclass(frozen=True, slots=True)
class EmbedderChoice:
    """An embedder to build a store with; not loaded yet."""

    name: str
    """`minilm`, `static`, a folder, or a name on Hugging Face."""
    id: EmbedderId
    known_words: frozenset[str]
    """Words, in lower case, that it has as whole tokens."""

    @property
    def model(self) -> str | None:
        """The argument `model` of `BulkEmbedder`."""
        return None if self.name == MINILM else self.name


def choose_embedder(name: str, dimension: int | None = None) -> EmbedderChoice:
    """Choose the embedder `name`, with its vectors cut to `dimension` if it was trained for that.

    Raises:
        ModelNotFoundError, InvalidModelError: it is not there, or damaged.
        UsageError: it was not trained for `dimension`, or its vectors do not fit a store.
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
