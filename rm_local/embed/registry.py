"""Chooses the embedder of a new store by its name, as in the option `--embedder`."""

from __future__ import annotations

from dataclasses import dataclass

from rm_local.embed import hub_models, minilm, static
from rm_local.embed.text_embedder import check_bulk_installed
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
    def bulk_model_or_none_for_minilm(self) -> str | None:
        """Folder or hub name to load with `BulkEmbedder`; None for all-MiniLM-L6-v2.

        Not to be used for rm-static, which `BulkEmbedder` cannot load.
        """
        return None if self.name == MINILM else self.name


def find_or_download_embedder(name: str, dimension: int | None = None) -> EmbedderChoice:
    """Find the embedder `name`, downloading it if needed, and return its id and known words.

    `name` is `minilm`, `static`, a folder, or a name on Hugging Face. Vectors are cut to
    `dimension` components; None: not cut.

    Raises:
        ModelNotFoundError, InvalidModelError: The embedder is missing or damaged, or it needs the
            extra `bulk`.
        UsageError: The embedder was not trained for `dimension`, or its vectors do not fit a
            store.
    """
    if name == STATIC_CHOICE:
        table = static.load_shipped_static()
        _check_dimension_unchanged(table.id, dimension)
        return EmbedderChoice(name, table.id, table.known_words)
    if name == MINILM:
        _check_dimension_unchanged(minilm.MINILM, dimension)
        return EmbedderChoice(name, minilm.MINILM, minilm.read_minilm_vocabulary_words())
    check_bulk_installed(name)
    folder = hub_models.find_or_download_model_folder(name)
    called = hub_models.derive_model_name(name)
    id = hub_models.build_embedder_id(folder, called, dimension)
    if id.dimension % 8:
        raise UsageError(
            f"{called} has {id.dimension} dimensions.", "A store needs a multiple of 8."
        )
    return EmbedderChoice(name, id, hub_models.read_vocabulary_words_or_stopwords(folder))


def _check_dimension_unchanged(id: EmbedderId, dimension: int | None) -> None:
    """Raise UsageError if vectors of `id` are to be cut to another `dimension` than their own."""
    if dimension not in (None, id.dimension):
        raise UsageError(
            f"{id.id} was not trained to be cut to {dimension} dimensions.",
            f"It has {id.dimension}: leave --dimension out.",
        )
