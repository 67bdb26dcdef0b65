"""Builds a store from all entries of a source at once; a stopped build can be resumed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from rm_local.errors import StoreError
from rm_local.files import rename_and_sync_parent, write_bytes_atomically
from rm_local.progress import DoneCallback, ProgressCallback, ProgressMeter, ignore_progress
from rm_local.store.build.assign import (
    SourceStripe,
    compute_cluster_group_bounds,
    encode_and_spill_stripe,
)
from rm_local.store.build.calibrate import calibrate_and_save_search_params
from rm_local.store.build.finalize import optimize_check_and_sync_store
from rm_local.store.build.process_pool import TaskPool
from rm_local.store.build.required_space import check_build_space
from rm_local.store.build.source import EntrySource
from rm_local.store.build.spec import BULK_LEVEL, BuildSpec
from rm_local.store.build.train import TrainedParams, take_sample, train_params
from rm_local.store.build.write import move_spilled_rows_into_store
from rm_local.store.format import BLOCK_ROWS, EmbedderId
from rm_local.store.index.centroids import CLUSTER_ROWS
from rm_local.store.index.stopwords import STOPWORDS
from rm_local.store.sqlite import connection as sqlite, wal
from rm_local.system import count_usable_processors
from rm_local.work_folder import make_or_reuse_work_folder, remove_if_work_folder

ROWS_FOR_A_PROCESS = 50_000
"""Minimum number of entries for each process of a build; for fewer its start does not pay."""


def build_store(
    path: Path,
    source: EntrySource,
    *,
    embedder: EmbedderId,
    known_words: Collection[str] = STOPWORDS,
    clusters: int | None = None,
    seed: int = 0,
    level: int = BULK_LEVEL,
    first: int = 1,
    report: ProgressCallback = ignore_progress,
) -> None:
    """Build a store of all entries of `source` at `path`.

    Intermediate files are kept in the folder `path`.build; after any stop the same call resumes the
    build. `known_words` are the words known to the embedder, as for `Store.create`; `clusters` is
    the approximate number of clusters, by default one per CLUSTER_ROWS rows; `level` is the
    zstandard level of the texts; `first` is the id of the first entry, one more than a multiple of
    BLOCK_ROWS.

    Raises:
        StoreError: The file exists, the disk is too full, or the folder has files of another build.
        ValueError: `first` is not one more than a multiple of BLOCK_ROWS, or as for
            `Store.add_entries`.
    """
    if first % BLOCK_ROWS != 1:
        raise ValueError(f"entry {first} does not begin a block")
    number = clusters or max(1, source.rows // CLUSTER_ROWS)
    spec = BuildSpec(source.rows, source.fingerprint, embedder, number, seed, level, first)
    folder, part = path.with_name(path.name + ".build"), "store.part"
    if path.exists():
        if _has_same_spec(folder, spec) and not (folder / part).exists():
            remove_if_work_folder(folder)
            return
        raise StoreError(f"{path} exists already.", "Choose another name, or remove it first.")
    processes = min(count_usable_processors(), max(1, source.rows // ROWS_FOR_A_PROCESS))
    with (
        _translate_disk_errors(folder),
        _create_and_lock_folder(folder),
        sqlite.translate_sqlite_errors(folder / part),
        TaskPool(processes, 64) as pool,
    ):
        _write_or_check_spec(folder, spec)
        trained = _load_or_train_params(folder, source, spec, pool, report)
        check_build_space(folder, spec.rows, trained)
        stripes = _load_or_make_stripes(folder, source, processes)
        groups = len(compute_cluster_group_bounds(trained.clusters.starts, spec.rows)) - 1
        spilled = sum(stripe.open_spill(groups).rows for stripe in stripes)
        meter = ProgressMeter(report, "spill", spec.rows, spilled)
        _encode_and_spill_all_stripes(folder, stripes, pool, meter)
        known = frozenset(known_words)
        meter = ProgressMeter(report, "write", spec.rows)
        move_spilled_rows_into_store(
            folder / part, stripes, groups, trained, spec, known, pool, meter
        )
        optimize_check_and_sync_store(folder / part, spec, report)
        on_share = ProgressMeter(report, "calibrate", spec.rows).report_share_done
        calibrate_and_save_search_params(folder / part, trained.questions, on_share)
        wal.remove_leftover_logs(path)
        rename_and_sync_parent(folder / part, path)
    remove_if_work_folder(folder)


@contextmanager
def _create_and_lock_folder(folder: Path) -> Iterator[None]:
    """Create the folder of a build and lock it against other builds during the body.

    Raises:
        StoreError: Another process has locked it.
    """
    make_or_reuse_work_folder(folder)
    try:
        with FileLock(folder / "lock", timeout=0):
            yield
    except Timeout:
        raise StoreError(
            f"Another process is at work in {folder}.", "Wait until it is done, or end it."
        ) from None


@contextmanager
def _translate_disk_errors(folder: Path) -> Iterator[None]:
    """Translate an OSError of the body, which builds in `folder`, into StoreError."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The build in {folder} stopped: {error.strerror or error}.",
            "Fix that, then start it again: it continues where it stopped.",
        ) from error


def _write_or_check_spec(folder: Path, spec: BuildSpec) -> None:
    """Save the spec of a new build in `folder`; compare it with the saved one of a resumed build.

    Raises:
        StoreError: They differ.
    """
    held = folder / "plan.json"
    if not held.exists():
        write_bytes_atomically(held, json.dumps(asdict(spec)).encode())
    elif not _has_same_spec(folder, spec):
        raise StoreError(
            f"{folder} holds the build of another store.",
            "Remove it, or continue with the source that it was started with.",
        )


def _has_same_spec(folder: Path, spec: BuildSpec) -> bool:
    """Return whether `folder` has files of a build with this spec."""
    held = folder / "plan.json"
    return held.exists() and json.loads(held.read_text("utf-8")) == asdict(spec)


def _load_or_train_params(
    folder: Path, source: EntrySource, spec: BuildSpec, pool: TaskPool, report: ProgressCallback
) -> TrainedParams:
    """Return the trained parameters of a build, after training and saving missing ones."""
    held = folder / "trained.npz"
    if not held.exists():
        on_share = ProgressMeter(report, "sample", spec.rows).report_share_done
        sample = take_sample(source, spec, pool, on_share)
        on_share = ProgressMeter(report, "train", spec.rows).report_share_done
        train_params(sample, spec, on_share).write_npz(held)
    return TrainedParams.read_npz(held)


def _load_or_make_stripes(folder: Path, source: EntrySource, processes: int) -> list[SourceStripe]:
    """Return the stripes of the build, the shares of its processes in the source.

    At the first start there are `processes` stripes. A resumed build has the same, whatever number
    of processes it has.
    """
    held = folder / "stripes.json"
    if not held.exists():
        write_bytes_atomically(held, json.dumps(processes).encode())
    count = json.loads(held.read_bytes())
    return [SourceStripe(source, folder, number, count, source.rows) for number in range(count)]


def _encode_and_spill_all_stripes(
    folder: Path, stripes: list[SourceStripe], pool: TaskPool, meter: ProgressMeter
) -> None:
    """Encode the rows of all stripes and spill them to disk, unless that was completed before."""
    done = folder / "spilled"
    if not done.exists():
        pool.run_tasks(
            partial(_lock_and_spill_stripe, folder / "trained.npz"),
            stripes,
            meter.report_units_done,
        )
        write_bytes_atomically(done, b"")


def _lock_and_spill_stripe(trained: Path, stripe: SourceStripe, on_done: DoneCallback) -> None:
    """Encode and spill a stripe, with the parameters in the file `trained`, under a file lock."""
    # A process of a killed build may still be at its last block.
    with FileLock(stripe.folder / f"stripe-{stripe.number}.lock"):
        encode_and_spill_stripe(stripe, TrainedParams.read_npz(trained), on_done)
