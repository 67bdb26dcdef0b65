"""Distils rm-static from all-MiniLM-L6-v2: `python -m models.static.train`.

Four stages, each kept in the run's folder, so that a run that was stopped goes on: what to learn
from (material.json), the teacher's vectors of it (texts.npy, pieces.npy; the long part on a
processor), the fit, and the table, written to --file when it is whole.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from models.static import vocabulary
from models.static.fit import Bags, Floats, Recipe, axes, fit, weights
from models.static.measure import exam, table
from models.static.texts import Amounts, Material, Pair, collect, curriculum_pair
from rm_local import paths
from rm_local.embed import (
    STATIC_EMBEDDER,
    UNKNOWN_PIECE,
    BulkEmbedder,
    StaticEmbedder,
    WordPiece,
    find_minilm_weights,
    pack_table,
)

CURRICULUM_PAIRS = 60_000


def material(folder: Path, amounts: Amounts, seed: int) -> Material:
    """Read it from the folder, or collect it."""
    path = folder / "material.json"
    if not path.exists():
        part = path.with_suffix(".part")
        collect(_published(), amounts, seed).save(part)
        part.replace(path)
    return Material.load(path)


def taught(folder: Path, name: str, texts: Sequence[str]) -> Floats:
    """The teacher's vectors of the texts (n, 384), from the folder or made now."""
    path = folder / f"{name}.npy"
    if not path.exists():
        BulkEmbedder(half=True).embed_to(
            texts,
            path,
            report=lambda now: print(f"{name}: {now.done:,} of {now.total:,}", flush=True),
        )
    vectors: Floats = np.load(path, mmap_mode="r")
    if len(vectors) != len(texts):
        raise SystemExit(f"{path} was made of other texts: remove it.")
    return vectors


def paired(found: Sequence[Pair], seed: int) -> list[Pair]:
    """The material's pairs, and as many again from the curriculum."""
    rng = random.Random(seed + 1)
    return [*found, *(curriculum_pair(rng) for _ in range(CURRICULUM_PAIRS))]


def train(folder: Path, dimension: int, more: int, recipe: Recipe, seed: int) -> bytes:
    """All stages; the file's bytes."""
    learnt = material(folder, Amounts(), seed)
    pieces = vocabulary.pieces(_published(), learnt.texts, more)
    teacher = taught(folder, "texts", learnt.texts)
    shown = taught(folder, f"pieces-{more}", [vocabulary.spelled(piece) for piece in pieces])
    split, empty = WordPiece(pieces), pieces.index(UNKNOWN_PIECE)
    bags = Bags(split, learnt.texts, empty)
    turn = axes(np.asarray(teacher), dimension)
    start = (shown @ turn) * weights(bags, len(pieces))[:, None]
    _report("before the fit", pack_table(start, pieces), learnt)
    pairs = paired(learnt.pairs, seed)
    halves = (
        Bags(split, [one for one, _ in pairs], empty),
        Bags(split, [other for _, other in pairs], empty),
    )
    numbers: dict[str, int] = {}
    same = np.array([numbers.setdefault(other, len(numbers)) for _, other in pairs])
    rows = fit(start, bags, teacher @ turn, halves, same, recipe, seed, _told(recipe.steps))
    data = pack_table(rows, pieces)
    _report(STATIC_EMBEDDER, data, learnt)
    return data


def main() -> None:
    """Train, and write the file whole or not at all."""
    parser = argparse.ArgumentParser(
        prog="python -m models.static.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    folder = Path(__file__).parent / "run"
    parser.add_argument("--out", type=Path, default=folder, help="folder of the run")
    parser.add_argument("--file", type=Path, default=None, help="default: the shipped table")
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--more", type=int, default=4000, help="whole words beside the pieces")
    parser.add_argument("--steps", type=int, default=Recipe().steps)
    parser.add_argument("--rate", type=float, default=Recipe().rate)
    parser.add_argument("--weight", type=float, default=Recipe().weight)
    parser.add_argument("--sharpness", type=float, default=Recipe().sharpness)
    parser.add_argument("--threads", type=int, default=0, help="0 takes all cores")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    recipe = Recipe(steps=args.steps, rate=args.rate, weight=args.weight, sharpness=args.sharpness)
    data = train(args.out, args.dimension, args.more, recipe, args.seed)
    path: Path = args.file or paths.shipped_static()
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)
    print(f"{path}: {len(data):,} bytes")


def _published() -> list[str]:
    return (find_minilm_weights() / "vocab.txt").read_text("utf-8").split("\n")


def _told(steps: int) -> Callable[[int, float, float], None]:
    """Prints the losses twenty times in a run."""
    begun = time.perf_counter()

    def tell(step: int, text_loss: float, pair_loss: float) -> None:
        if step % max(1, steps // 20) == 0:
            passed = time.perf_counter() - begun
            print(
                f"step {step} of {steps}  texts {text_loss:.4f}  pairs {pair_loss:.4f}  "
                f"{passed:.0f} s",
                flush=True,
            )

    return tell


def _report(name: str, data: bytes, learnt: Material) -> None:
    questions = exam(learnt.quiz)
    print(
        table({name: questions.sit(StaticEmbedder.from_bytes(data, name).embed)}, questions),
        flush=True,
    )


if __name__ == "__main__":
    main()
