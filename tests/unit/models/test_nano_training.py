"""The training of rm-nano, on a model and a stream small enough for a test."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from models.nano import tokenizer as tokenizers
from models.nano.data import draw_rows, encode_trajectory
from models.nano.export import collect_gguf_tensors
from models.nano.model import Nano, Shape
from models.nano.muon import orthogonalize_update
from models.nano.train import RunProgress, TrainingRun, compute_loss, compute_rate_factor

TINY = Shape(width=64, layers=1, heads=1, hidden=96)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """The tokenizer, learnt from a few samples."""
    return tokenizers.train_tokenizer(samples=1500)


def _run(folder: Path, tokenizer: Tokenizer) -> TrainingRun:
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    return TrainingRun(folder, TINY, seed=0, device=torch.device("cpu"), compiled=False)


def test_rows_hold_whole_trajectories(tokenizer: Tokenizer) -> None:
    """No trajectory is cut: a row has as many beginnings as ends, and little padding."""
    start, end = (tokenizer.token_to_id(t) for t in ("<think>", "</think>"))
    drawn = list(islice(draw_rows(tokenizer, seed=1, length=512), 20))

    for ids, flags in drawn:
        assert (ids == start).sum() == (ids == end).sum() > 0
        assert 0 < flags.sum() < len(ids)
    assert np.mean([(ids == 0).mean() for ids, _ in drawn]) < 0.2


def test_only_what_the_model_writes_is_learnt(tokenizer: Tokenizer) -> None:
    """The learnt tokens spell the learnt pieces of the trajectory, and nothing else."""
    import random

    from models.nano.curriculum import draw_trajectory

    rng = random.Random(4)
    for trajectory in (draw_trajectory(rng) for _ in range(40)):
        ids, flags = encode_trajectory(tokenizer, trajectory)
        learnt = [i for i, flag in zip(ids, flags, strict=True) if flag]
        wanted = "".join(text for text, flag in trajectory.pieces if flag)

        assert tokenizer.decode(learnt, skip_special_tokens=False) == wanted


@pytest.mark.slow
def test_a_few_steps_bring_the_loss_down(tmp_path: Path, tokenizer: Tokenizer) -> None:
    """Training on one batch again and again learns it."""
    run = _run(tmp_path, tokenizer)
    ids, flags = next(draw_rows(run.tokenizer, seed=2, length=512))
    batch = torch.from_numpy(ids)[None], torch.from_numpy(flags)[None]

    before = compute_loss(run.model, *batch).item()
    for _ in range(12):
        run._train_step(*batch, factor=0.5)

    assert compute_loss(run.model, *batch).item() < before - 1


def test_a_stopped_run_continues_where_it_was(tmp_path: Path, tokenizer: Tokenizer) -> None:
    """Weights, optimiser states and progress come back from the checkpoint."""
    run = _run(tmp_path, tokenizer)
    run.progress = RunProgress(step=7, tokens=700, seconds=3.5)
    with torch.no_grad():
        run.model.embedding.weight.add_(1.0)
    run.save_checkpoint()

    again = _run(tmp_path, tokenizer)

    assert again.progress == RunProgress(step=7, tokens=700, seconds=3.5)
    assert torch.equal(again.model.embedding.weight, run.model.embedding.weight)


def test_the_learning_rate_ends_low() -> None:
    """It warms up, stays, and falls to its floor at the end of the budget."""
    full = compute_rate_factor(RunProgress(step=1000, seconds=30), budget=100)

    assert compute_rate_factor(RunProgress(step=0, seconds=0), budget=100) < 0.1
    assert full == 1
    assert compute_rate_factor(RunProgress(step=9000, seconds=100), budget=100) < 0.1


def test_an_update_is_made_orthogonal() -> None:
    """All singular values of a Muon update are near 1."""
    update = orthogonalize_update(torch.randn(48, 32, generator=torch.Generator().manual_seed(1)))

    values = torch.linalg.svdvals(update.float())

    assert 0.5 < values.min() < values.max() < 1.5


def test_every_weight_is_exported() -> None:
    """The GGUF's tensors hold as many numbers as the model has parameters."""
    model = Nano(TINY)

    assert sum(t.size for t in collect_gguf_tensors(model).values()) == sum(
        p.numel() for p in model.parameters()
    )
