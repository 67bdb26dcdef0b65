"""Distils rm-static from all-MiniLM-L6-v2: `python -m models.static.train`.

Four stages, each saved in the run's folder, so that a stopped run continues: the training data
(material.json), the teacher's vectors (texts.npy, pieces.npy; the long part on a CPU), the fit, and
the table, written to --file when it is complete.
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
from models.static.fit import (
    Floats,
    Recipe,
    TokenizedTexts,
    compute_principal_axes,
    compute_sif_weights,
    fit_table,
)
from models.static.measure import build_retrieval_test, format_quality_table
from models.static.texts import (
    Pair,
    TextCounts,
    TrainingMaterial,
    collect_material,
    draw_curriculum_pair,
)
from rm_local import paths
from rm_local.embed import (
    STATIC_EMBEDDER,
    UNKNOWN_PIECE,
    BulkEmbedder,
    StaticEmbedder,
    WordPieceTokenizer,
    find_minilm_weights_folder,
    quantize_and_pack_table,
)

CURRICULUM_PAIRS = 60_000


def load_or_collect_material(folder: Path, amounts: TextCounts, seed: int) -> TrainingMaterial:
    """Load the training data from the folder, or collect and save it."""
    path = folder / "material.json"
    if not path.exists():
        part = path.with_suffix(".part")
        collect_material(_read_published_vocabulary(), amounts, seed).save(part)
        part.replace(path)
    return TrainingMaterial.load(path)


def load_or_embed_texts(folder: Path, name: str, texts: Sequence[str]) -> Floats:
    """Return the teacher's vectors of the texts (n, 384), from `name`.npy or computed and saved."""
    path = folder / f"{name}.npy"
    if not path.exists():
        BulkEmbedder(half=True).embed_to_npy_unless_exists(
            texts,
            path,
            report=lambda now: print(f"{name}: {now.done:,} of {now.total:,}", flush=True),
        )
    vectors: Floats = np.load(path, mmap_mode="r")
    if len(vectors) != len(texts):
        raise SystemExit(f"{path} was made of other texts: remove it.")
    return vectors


def add_curriculum_pairs(found: Sequence[Pair], seed: int) -> list[Pair]:
    """Return the pairs, followed by `CURRICULUM_PAIRS` pairs drawn from the curriculum."""
    rng = random.Random(seed + 1)
    return [*found, *(draw_curriculum_pair(rng) for _ in range(CURRICULUM_PAIRS))]


def train_table(folder: Path, dimension: int, more: int, recipe: Recipe, seed: int) -> bytes:
    """Run all stages; return the bytes of the file with the fitted table.

    `more` is the number of whole words added to the published pieces.
    """
    learnt = load_or_collect_material(folder, TextCounts(), seed)
    pieces = vocabulary.choose_pieces(_read_published_vocabulary(), learnt.texts, more)
    teacher = load_or_embed_texts(folder, "texts", learnt.texts)
    shown = load_or_embed_texts(
        folder, f"pieces-{more}", [vocabulary.spell_piece(piece) for piece in pieces]
    )
    split, empty = WordPieceTokenizer(pieces), pieces.index(UNKNOWN_PIECE)
    bags = TokenizedTexts(split, learnt.texts, empty)
    turn = compute_principal_axes(np.asarray(teacher), dimension)
    start = (shown @ turn) * compute_sif_weights(bags, len(pieces))[:, None]
    _print_quality("before the fit", quantize_and_pack_table(start, pieces), learnt)
    pairs = add_curriculum_pairs(learnt.pairs, seed)
    halves = (
        TokenizedTexts(split, [one for one, _ in pairs], empty),
        TokenizedTexts(split, [other for _, other in pairs], empty),
    )
    numbers: dict[str, int] = {}
    same = np.array([numbers.setdefault(other, len(numbers)) for _, other in pairs])
    rows = fit_table(
        start,
        bags,
        teacher @ turn,
        halves,
        same,
        recipe,
        seed,
        _make_progress_printer(recipe.steps),
    )
    data = quantize_and_pack_table(rows, pieces)
    _print_quality(STATIC_EMBEDDER, data, learnt)
    return data


def main() -> None:
    """Train, and write the file, at once when it is complete."""
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
    data = train_table(args.out, args.dimension, args.more, recipe, args.seed)
    path: Path = args.file or paths.shipped_static_embedder()
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)
    print(f"{path}: {len(data):,} bytes")


def _read_published_vocabulary() -> list[str]:
    return (find_minilm_weights_folder() / "vocab.txt").read_text("utf-8").split("\n")


def _make_progress_printer(steps: int) -> Callable[[int, float, float], None]:
    """Return a callback that prints the losses about twenty times in a run."""
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


def _print_quality(name: str, data: bytes, learnt: TrainingMaterial) -> None:
    questions = build_retrieval_test(learnt.quiz)
    print(
        format_quality_table(
            {name: questions.evaluate_embedder(StaticEmbedder.from_bytes(data, name).embed)},
            questions,
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
