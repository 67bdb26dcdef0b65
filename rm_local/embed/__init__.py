"""Embeds texts: with llama.cpp, a static table or, many of them, with sentence-transformers.

A store names the embedder of its vectors; `open_query_embedder` opens that embedder for queries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.lazy import export_lazily

if TYPE_CHECKING:
    from rm_local.embed.bulk import (
        BulkEmbedder as BulkEmbedder,
        embed_with_minilm as embed_with_minilm,
    )
    from rm_local.embed.many_texts import open_text_embedder as open_text_embedder
    from rm_local.embed.minilm import (
        MINILM as MINILM,
        WORD_START as WORD_START,
        check_minilm_gguf as check_minilm_gguf,
        check_minilm_weights as check_minilm_weights,
        find_minilm_gguf as find_minilm_gguf,
        find_minilm_weights_folder as find_minilm_weights_folder,
        read_minilm_vocabulary_words as read_minilm_vocabulary_words,
    )
    from rm_local.embed.probe_sentences import (
        ASIDES as ASIDES,
        PROBES as PROBES,
        PROBES_SHA256 as PROBES_SHA256,
    )
    from rm_local.embed.query import (
        QueryEmbedder as QueryEmbedder,
        check_embedder_is_supported as check_embedder_is_supported,
        open_query_embedder as open_query_embedder,
    )
    from rm_local.embed.registry import (
        STATIC_CHOICE as STATIC_CHOICE,
        EmbedderChoice as EmbedderChoice,
        find_or_download_embedder as find_or_download_embedder,
    )
    from rm_local.embed.static import (
        STATIC_EMBEDDER as STATIC_EMBEDDER,
        StaticEmbedder as StaticEmbedder,
        load_shipped_static as load_shipped_static,
        quantize_and_pack_table as quantize_and_pack_table,
    )
    from rm_local.embed.text_embedder import (
        TextEmbedder as TextEmbedder,
        embed_in_steps as embed_in_steps,
        embed_to_file_unless_exists as embed_to_file_unless_exists,
    )
    from rm_local.embed.wordpiece import (
        UNKNOWN_PIECE as UNKNOWN_PIECE,
        WordPieceTokenizer as WordPieceTokenizer,
        normalize_and_split_words as normalize_and_split_words,
    )
    from rm_local.embed.worker_bulk import (
        open_minilm_worker_embedder as open_minilm_worker_embedder,
    )

__getattr__ = export_lazily(
    __name__,
    {
        "bulk": ["BulkEmbedder", "embed_with_minilm"],
        "many_texts": ["open_text_embedder"],
        "minilm": [
            "MINILM",
            "WORD_START",
            "check_minilm_gguf",
            "check_minilm_weights",
            "find_minilm_gguf",
            "find_minilm_weights_folder",
            "read_minilm_vocabulary_words",
        ],
        "probe_sentences": ["ASIDES", "PROBES", "PROBES_SHA256"],
        "query": ["QueryEmbedder", "check_embedder_is_supported", "open_query_embedder"],
        "registry": ["EmbedderChoice", "STATIC_CHOICE", "find_or_download_embedder"],
        "static": [
            "STATIC_EMBEDDER",
            "StaticEmbedder",
            "load_shipped_static",
            "quantize_and_pack_table",
        ],
        "text_embedder": ["TextEmbedder", "embed_in_steps", "embed_to_file_unless_exists"],
        "wordpiece": ["UNKNOWN_PIECE", "WordPieceTokenizer", "normalize_and_split_words"],
        "worker_bulk": ["open_minilm_worker_embedder"],
    },
)
