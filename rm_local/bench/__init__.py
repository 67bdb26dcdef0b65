"""Benchmarks for users: of the store, of the engine, and of other vector indexes.

`corpus` makes the measured entries, `store` and `engine` measure, `peers` runs other libraries on
the same vectors. Nothing here is needed to answer a question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.lazy import export_lazily

if TYPE_CHECKING:
    from rm_local.bench.corpus.corpus import (
        choose_sentence_limit as choose_sentence_limit,
        find_or_write_docstring_corpus as find_or_write_docstring_corpus,
    )
    from rm_local.bench.corpus.docstrings import (
        DocumentedObject as DocumentedObject,
        read_distinct_documented_objects as read_distinct_documented_objects,
    )
    from rm_local.bench.corpus.export import (
        create_new_file as create_new_file,
        export_synthetic_rows as export_synthetic_rows,
    )
    from rm_local.bench.corpus.synthetic import SyntheticSource as SyntheticSource
    from rm_local.bench.engine.bare_client import BareLlamaLoopProcess as BareLlamaLoopProcess
    from rm_local.bench.engine.busy import (
        BusyBenchResult as BusyBenchResult,
        bench_engine_under_load as bench_engine_under_load,
        run_busy_loop_processes as run_busy_loop_processes,
    )
    from rm_local.bench.engine.throughput import (
        EngineBenchResult as EngineBenchResult,
        EngineBenchWorkload as EngineBenchWorkload,
        bench_engine as bench_engine,
    )
    from rm_local.bench.peers.report import (
        IndexBenchResult as IndexBenchResult,
        PeerComparison as PeerComparison,
    )
    from rm_local.bench.peers.runner import PeerLimits as PeerLimits, compare_peers as compare_peers
    from rm_local.bench.peers.stages import PeerQueriesWithAnswers as PeerQueriesWithAnswers
    from rm_local.bench.store.run import (
        BenchQueriesWithAnswers as BenchQueriesWithAnswers,
        StoreBenchResult as StoreBenchResult,
        bench_store as bench_store,
        make_temporary_store_path as make_temporary_store_path,
    )

__getattr__ = export_lazily(
    __name__,
    {
        "corpus.corpus": ["choose_sentence_limit", "find_or_write_docstring_corpus"],
        "corpus.docstrings": ["DocumentedObject", "read_distinct_documented_objects"],
        "corpus.export": ["export_synthetic_rows", "create_new_file"],
        "corpus.synthetic": ["SyntheticSource"],
        "engine.bare_client": ["BareLlamaLoopProcess"],
        "engine.busy": ["BusyBenchResult", "bench_engine_under_load", "run_busy_loop_processes"],
        "engine.throughput": ["EngineBenchResult", "EngineBenchWorkload", "bench_engine"],
        "peers.report": ["PeerComparison", "IndexBenchResult"],
        "peers.runner": ["PeerLimits", "compare_peers"],
        "peers.stages": ["PeerQueriesWithAnswers"],
        "store.run": [
            "BenchQueriesWithAnswers",
            "StoreBenchResult",
            "bench_store",
            "make_temporary_store_path",
        ],
    },
)
