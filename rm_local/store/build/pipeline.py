"""The bulk build of a store, which goes on where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from rm_local.errors import StoreError
from rm_local.files import replace_file, write_bytes_atomically
from rm_local.progress import DoneCallback, ProgressCallback, ProgressMeter, ignore_progress
from rm_local.store.build.assign import Stripe, encode, group_edges
from rm_local.store.build.calibrate import calibrate
from rm_local.store.build.finalize import finish
from rm_local.store.build.process_pool import Pool
from rm_local.store.build.required_space import check_room
from rm_local.store.build.source import EntrySource
from rm_local.store.build.spec import BULK_LEVEL, Plan
from rm_local.store.build.train import Trained, take_sample, train
from rm_local.store.build.write import write_groups
from rm_local.store.format import BLOCK_ROWS, EmbedderId
from rm_local.store.index.centroids import CLUSTER_ROWS
from rm_local.store.index.stopwords import STOPWORDS
from rm_local.store.sqlite import connection as sqlite, wal
from rm_local.system import usable_cores
from rm_local.work_folder import open_work_folder, remove_work_folder

ROWS_FOR_A_PROCESS = 50_000
"""Fewer are done before another process has started."""


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
    """Make a store of all entries of `source` at `path`.

    What is under way lies in a folder beside it, `path`.build; the same call goes on with it after
    the process was stopped in any way. `known_words` as for `Store.create`; `clusters`: about so
    many, None = one for each CLUSTER_ROWS rows; `level`: of zstandard, for the texts; `first`: id
    of the first entry, one more than a multiple of BLOCK_ROWS. StoreError: the file
    exists, the disk has not enough room, or another build's folder is in the way. ValueError: as
    for `Store.add_entries`.
    """
    if first % BLOCK_ROWS != 1:
        raise ValueError(f"entry {first} begins no block")
    number = clusters or max(1, source.rows // CLUSTER_ROWS)
    plan = Plan(source.rows, source.fingerprint, embedder, number, seed, level, first)
    folder, part = path.with_name(path.name + ".build"), "store.part"
    if path.exists():
        if _belongs(folder, plan) and not (folder / part).exists():
            remove_work_folder(folder)
            return
        raise StoreError(f"{path} exists already.", "Choose another name, or remove it first.")
    processes = min(usable_cores(), max(1, source.rows // ROWS_FOR_A_PROCESS))
    with (
        _disk(folder),
        _alone(folder),
        sqlite.translate_errors(folder / part),
        Pool(processes, 64) as pool,
    ):
        _begin(folder, plan)
        trained = _trained(folder, source, plan, pool, report)
        check_room(folder, plan.rows, trained)
        stripes = _stripes(folder, source, processes)
        groups = len(group_edges(trained.clusters.starts, plan.rows)) - 1
        spilled = sum(stripe.spill(groups).rows for stripe in stripes)
        meter = ProgressMeter(report, "spill", plan.rows, spilled)
        _spill(folder, stripes, pool, meter)
        known = frozenset(known_words)
        meter = ProgressMeter(report, "write", plan.rows)
        write_groups(folder / part, stripes, groups, trained, plan, known, pool, meter)
        finish(folder / part, plan, report)
        ProgressMeter(report, "calibrate", plan.rows)
        calibrate(folder / part, trained.questions)
        wal.remove_leftovers(path)
        replace_file(folder / part, path)
    remove_work_folder(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """StoreError: another process builds in this folder."""
    open_work_folder(folder)
    try:
        with FileLock(folder / "lock", timeout=0):
            yield
    except Timeout:
        raise StoreError(
            f"Another process is at work in {folder}.", "Wait until it is done, or end it."
        ) from None


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Turn what the disk says to plain files into StoreError."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The build in {folder} stopped: {error.strerror or error}.",
            "Mend that, then start it again: it goes on where it was.",
        ) from error


def _begin(folder: Path, plan: Plan) -> None:
    held = folder / "plan.json"
    if not held.exists():
        write_bytes_atomically(held, json.dumps(asdict(plan)).encode())
    elif not _belongs(folder, plan):
        raise StoreError(
            f"{folder} holds the build of another store.",
            "Remove it, or go on with the source that it was begun with.",
        )


def _belongs(folder: Path, plan: Plan) -> bool:
    """Whether `folder` holds what this plan began."""
    held = folder / "plan.json"
    return held.exists() and json.loads(held.read_text("utf-8")) == asdict(plan)


def _trained(
    folder: Path, source: EntrySource, plan: Plan, pool: Pool, report: ProgressCallback
) -> Trained:
    held = folder / "trained.npz"
    if not held.exists():
        ProgressMeter(report, "sample", plan.rows)
        sample = take_sample(source, plan, pool)
        ProgressMeter(report, "train", plan.rows)
        train(sample, plan).save(held)
    return Trained.load(held)


def _stripes(folder: Path, source: EntrySource, processes: int) -> list[Stripe]:
    """One for each process; as many as the build was begun with."""
    held = folder / "stripes.json"
    if not held.exists():
        write_bytes_atomically(held, json.dumps(processes).encode())
    count = json.loads(held.read_bytes())
    return [Stripe(source, folder, number, count, source.rows) for number in range(count)]


def _spill(folder: Path, stripes: list[Stripe], pool: Pool, meter: ProgressMeter) -> None:
    done = folder / "spilled"
    if not done.exists():
        pool.side_by_side(partial(_encode, folder / "trained.npz"), stripes, meter.reach)
        write_bytes_atomically(done, b"")


def _encode(trained: Path, stripe: Stripe, tell: DoneCallback) -> None:
    # What a killed build left behind may still be at its last block.
    with FileLock(stripe.folder / f"stripe-{stripe.number}.lock"):
        encode(stripe, Trained.load(trained), tell)
