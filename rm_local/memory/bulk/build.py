"""The bulk build of a store, which goes on where it was stopped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rm_local.errors import StoreError
from rm_local.memory import connection as sqlite
from rm_local.memory.bulk.encode import encode, group_edges
from rm_local.memory.bulk.files import rename, write_whole
from rm_local.memory.bulk.finish import finish
from rm_local.memory.bulk.room import check_room
from rm_local.memory.bulk.source import Meter, Report, Source
from rm_local.memory.bulk.spill import Spill
from rm_local.memory.bulk.train import Trained, take_sample, train
from rm_local.memory.bulk.write import write_groups
from rm_local.memory.codes import Quantiser, scale_for
from rm_local.memory.format import EmbedderId
from rm_local.memory.stopwords import STOPWORDS

CLUSTER_ROWS = 1000
"""Rows in a cluster, about (STORE 5.1)."""


@dataclass(frozen=True)
class Plan:
    """What a build must not change while it is under way."""

    rows: int
    fingerprint: str
    embedder: EmbedderId
    clusters: int
    seed: int


def build(
    path: Path,
    source: Source,
    *,
    embedder: EmbedderId,
    known_words: Collection[str] = STOPWORDS,
    clusters: int | None = None,
    seed: int = 0,
    report: Report = lambda _: None,
) -> None:
    """Make a store of all entries of `source` at `path`.

    What is under way lies in a folder beside it, `path`.build; the same call goes on with it after
    the process was stopped in any way. `known_words` as for `Store.create`; `clusters`: about so
    many, None = one for each CLUSTER_ROWS rows. StoreError: the file exists, the disk has not
    enough room, or another build's folder is in the way. ValueError: as for `Store.add`.
    """
    number = clusters or max(1, source.rows // CLUSTER_ROWS)
    plan = Plan(source.rows, source.fingerprint, embedder, number, seed)
    folder, part = path.with_name(path.name + ".build"), "store.part"
    if path.exists():
        if _belongs(folder, plan) and not (folder / part).exists():
            shutil.rmtree(folder)
            return
        raise StoreError(f"{path} exists already.", "Choose another name, or remove it first.")
    with _disk(folder), sqlite.guard(folder / part):
        _begin(folder, plan)
        trained = _trained(folder, source, plan, report)
        check_room(folder, plan.rows, trained)
        spill = _spilled(folder, source, plan, trained, report)
        write_groups(folder / part, spill, trained, embedder, frozenset(known_words), report)
        finish(folder / part, plan.rows, report)
        rename(folder / part, path)
        shutil.rmtree(folder)


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
    folder.mkdir(exist_ok=True)
    held = folder / "plan.json"
    if not held.exists():
        write_whole(held, json.dumps(asdict(plan)).encode())
    elif not _belongs(folder, plan):
        raise StoreError(
            f"{folder} holds the build of another store.",
            "Remove it, or go on with the source that it was begun with.",
        )


def _belongs(folder: Path, plan: Plan) -> bool:
    """Whether `folder` holds what this plan began."""
    held = folder / "plan.json"
    return held.exists() and json.loads(held.read_text("utf-8")) == asdict(plan)


def _trained(folder: Path, source: Source, plan: Plan, report: Report) -> Trained:
    held = folder / "trained.npz"
    if not held.exists():
        Meter(report, "sample", plan.rows)
        sample = take_sample(source, plan.clusters)
        Meter(report, "train", plan.rows)
        train(sample, plan.clusters, plan.seed).save(held)
    return Trained.load(held)


def _spilled(folder: Path, source: Source, plan: Plan, trained: Trained, report: Report) -> Spill:
    edges = group_edges(trained.clusters.starts, plan.rows)
    spill = Spill(folder / "spill", len(edges) - 1)
    if spill.rows < plan.rows:
        dimension = plan.embedder.dimension
        quantiser = Quantiser(dimension, scale_for(dimension), trained.mean, trained.rotation)
        meter = Meter(report, "spill", plan.rows, spill.rows)
        encode(source, spill, trained.clusters, quantiser, edges, meter)
    return spill
