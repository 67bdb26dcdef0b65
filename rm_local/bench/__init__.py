"""Benchmarks for users: of the store, of the engine, and of other vector indexes.

`corpus` makes the measured entries, `store` and `engine` measure, `peers` runs other libraries on
the same vectors. Nothing here is needed to answer a question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.lazy import export_lazily

if TYPE_CHECKING:
    from rm_local.bench.corpus.corpus import (
        choose_sentence_count as choose_sentence_count,
        load_corpus as load_corpus,
    )
    from rm_local.bench.corpus.docstrings import (
        DocumentedObject as DocumentedObject,
        read_docstrings as read_docstrings,
    )
    from rm_local.bench.corpus.export import (
        export_rows as export_rows,
        write_new_file as write_new_file,
    )
    from rm_local.bench.corpus.synthetic import SyntheticSource as SyntheticSource
    from rm_local.bench.engine.bare_client import BareClient as BareClient
    from rm_local.bench.engine.busy import (
        BusyBench as BusyBench,
        bench_busy as bench_busy,
        run_busy_loops as run_busy_loops,
    )
    from rm_local.bench.engine.throughput import (
        EngineBench as EngineBench,
        EngineBenchSize as EngineBenchSize,
        bench_engine as bench_engine,
    )
    from rm_local.bench.peers.report import (
        PeerComparison as PeerComparison,
        PeerResult as PeerResult,
    )
    from rm_local.bench.peers.runner import PeerLimits as PeerLimits, compare_peers as compare_peers
    from rm_local.bench.peers.stages import PeerQueries as PeerQueries
    from rm_local.bench.store.run import (
        BenchQueries as BenchQueries,
        StoreBench as StoreBench,
        bench_store as bench_store,
        make_store_path as make_store_path,
    )

__getattr__ = export_lazily(
    __name__,
    {
        "corpus.corpus": ["choose_sentence_count", "load_corpus"],
        "corpus.docstrings": ["DocumentedObject", "read_docstrings"],
        "corpus.export": ["export_rows", "write_new_file"],
        "corpus.synthetic": ["SyntheticSource"],
        "engine.bare_client": ["BareClient"],
        "engine.busy": ["BusyBench", "bench_busy", "run_busy_loops"],
        "engine.throughput": ["EngineBench", "EngineBenchSize", "bench_engine"],
        "peers.report": ["PeerComparison", "PeerResult"],
        "peers.runner": ["PeerLimits", "compare_peers"],
        "peers.stages": ["PeerQueries"],
        "store.run": ["BenchQueries", "StoreBench", "bench_store", "make_store_path"],
    },
)
