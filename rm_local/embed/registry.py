"""Chooses the embedder of a new store by its name, as in the option `--embedder`."""

from __future__ import annotations

from dataclasses import dataclass

from rm_local.embed import hub_models, minilm, static
from rm_local.errors import UsageError
from rm_local.store import EmbedderId

MINILM, STATIC_CHOICE = "minilm", "static"


@dataclass(frozen=True, slots=True)
class EmbedderChoice:
    """The embedder chosen for a new store: its name, id and known words. It is not loaded yet."""

    name: str
    """`minilm`, `static`, a folder, or a name on Hugging Face."""
    id: EmbedderId
    known_words: frozenset[str]
    """Words that are a single token of the embedder, in lower case; the search index treats other
    words as rare."""

    @property
    def model(self) -> str | None:
        """Folder or hub name to load with `BulkEmbedder`; None for all-MiniLM-L6-v2."""
        return None if self.name == MINILM else self.name


def find_or_download_embedder(name: str, dimension: int | None = None) -> EmbedderChoice:
    """Find the embedder `name`, downloading it if needed, and return its id and known words.

    `name` is `minilm`, `static`, a folder, or a name on Hugging Face. Vectors are cut to
    `dimension` components; None: not cut.

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
    folder = (
        minilm.find_minilm_weights() if name == MINILM else hub_models.find_or_download_model(name)
    )
    called = minilm.MINILM.id if name == MINILM else hub_models.derive_model_name(name)
    id = hub_models.build_embedder_id(folder, called, dimension)
    if id.dimension % 8:
        raise UsageError(
            f"{called} has {id.dimension} dimensions.", "A store needs a multiple of 8."
        )
    return EmbedderChoice(name, id, hub_models.read_vocabulary_words_or_stopwords(folder))
