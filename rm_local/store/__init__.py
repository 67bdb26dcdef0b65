"""The store: a file of entries, searched by vector and by rare words.

`Store` opens, searches and changes one file. The folders are its parts: `codec` (encoding of
vectors and texts), `sqlite` (tables and connections), `index` (search), `build` (bulk build),
`exchange` (JSON Lines), `rewrite` (stores from stores), `maintain`, `verify`, `repair`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.lazy import export_lazily

if TYPE_CHECKING:
    from rm_local.store.build.pipeline import build_store as build_store
    from rm_local.store.build.source import EntryBatch as EntryBatch, EntrySource as EntrySource
    from rm_local.store.codec.text_blocks import (
        TextCodec as TextCodec,
        check_and_join_texts as check_and_join_texts,
        train_text_dictionary_or_empty as train_text_dictionary_or_empty,
    )
    from rm_local.store.exchange.compressed_input import (
        STDIN as STDIN,
        get_input_name as get_input_name,
        open_decompressed_input as open_decompressed_input,
    )
    from rm_local.store.exchange.export import (
        NpyVectorWriter as NpyVectorWriter,
        export_entries as export_entries,
        open_new_output_file as open_new_output_file,
    )
    from rm_local.store.exchange.import_entries import (
        ImportCounts as ImportCounts,
        import_new_entries as import_new_entries,
    )
    from rm_local.store.exchange.inputs import (
        check_inputs_are_readable as check_inputs_are_readable,
        copy_and_hash_decompressed as copy_and_hash_decompressed,
        needs_copy_for_random_access as needs_copy_for_random_access,
    )
    from rm_local.store.exchange.jsonl import format_entry_as_json_line as format_entry_as_json_line
    from rm_local.store.exchange.line_blocks import JsonlEntryBlocks as JsonlEntryBlocks
    from rm_local.store.exchange.line_index import (
        VECTORS_FILE as VECTORS_FILE,
        check_and_index_lines as check_and_index_lines,
        remove_index_and_folder_if_empty as remove_index_and_folder_if_empty,
    )
    from rm_local.store.format import EmbedderId as EmbedderId, StoreInfo as StoreInfo
    from rm_local.store.index.ivf import MAX_CANDIDATES as MAX_CANDIDATES
    from rm_local.store.index.rare_words import fuse_scores as fuse_scores
    from rm_local.store.index.stopwords import STOPWORDS as STOPWORDS
    from rm_local.store.maintain.maintainer import (
        Maintainer as Maintainer,
        MaintenanceResult as MaintenanceResult,
    )
    from rm_local.store.repair.repair import repair_store as repair_store
    from rm_local.store.request import (
        ANY_ENTRY as ANY_ENTRY,
        EntryFilter as EntryFilter,
        SearchRequest as SearchRequest,
    )
    from rm_local.store.rewrite.compact import compact_store as compact_store
    from rm_local.store.rewrite.diff import (
        DiffSide as DiffSide,
        StoreDiff as StoreDiff,
        diff_stores as diff_stores,
    )
    from rm_local.store.rewrite.merge import (
        merge_stores_and_count_omitted as merge_stores_and_count_omitted,
    )
    from rm_local.store.rewrite.store_source import StoreEntrySource as StoreEntrySource
    from rm_local.store.spread import (
        UnrelatedSimilaritySpread as UnrelatedSimilaritySpread,
        measure_unrelated_similarity_spread as measure_unrelated_similarity_spread,
        summarize_unrelated_similarities as summarize_unrelated_similarities,
    )
    from rm_local.store.sqlite.connection import (
        open_connection_close_on_error as open_connection_close_on_error,
    )
    from rm_local.store.sqlite.open_checks import (
        format_repair_remedy as format_repair_remedy,
        is_store_writable as is_store_writable,
        make_shipped_store_error as make_shipped_store_error,
    )
    from rm_local.store.sqlite.page_usage import measure_bytes_by_kind as measure_bytes_by_kind
    from rm_local.store.store import Store as Store
    from rm_local.store.store_set import SkipCallback as SkipCallback, StoreSet as StoreSet

__getattr__ = export_lazily(
    __name__,
    {
        "build.pipeline": ["build_store"],
        "build.source": ["EntryBatch", "EntrySource"],
        "codec.text_blocks": [
            "TextCodec",
            "check_and_join_texts",
            "train_text_dictionary_or_empty",
        ],
        "exchange.compressed_input": ["STDIN", "get_input_name", "open_decompressed_input"],
        "exchange.export": ["NpyVectorWriter", "export_entries", "open_new_output_file"],
        "exchange.import_entries": ["ImportCounts", "import_new_entries"],
        "exchange.inputs": [
            "check_inputs_are_readable",
            "copy_and_hash_decompressed",
            "needs_copy_for_random_access",
        ],
        "exchange.jsonl": ["format_entry_as_json_line"],
        "exchange.line_blocks": ["JsonlEntryBlocks"],
        "exchange.line_index": [
            "VECTORS_FILE",
            "remove_index_and_folder_if_empty",
            "check_and_index_lines",
        ],
        "format": ["EmbedderId", "StoreInfo"],
        "index.ivf": ["MAX_CANDIDATES"],
        "index.rare_words": ["fuse_scores"],
        "index.stopwords": ["STOPWORDS"],
        "maintain.maintainer": ["Maintainer", "MaintenanceResult"],
        "repair.repair": ["repair_store"],
        "request": ["ANY_ENTRY", "EntryFilter", "SearchRequest"],
        "rewrite.compact": ["compact_store"],
        "rewrite.diff": ["DiffSide", "StoreDiff", "diff_stores"],
        "rewrite.merge": ["merge_stores_and_count_omitted"],
        "rewrite.store_source": ["StoreEntrySource"],
        "spread": [
            "UnrelatedSimilaritySpread",
            "measure_unrelated_similarity_spread",
            "summarize_unrelated_similarities",
        ],
        "sqlite.connection": ["open_connection_close_on_error"],
        "sqlite.open_checks": [
            "format_repair_remedy",
            "is_store_writable",
            "make_shipped_store_error",
        ],
        "sqlite.page_usage": ["measure_bytes_by_kind"],
        "store": ["Store"],
        "store_set": ["SkipCallback", "StoreSet"],
    },
)
