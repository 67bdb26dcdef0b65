"""Trains rm-nano from scratch: `python -m models.nano.train --minutes 60`.

Runs on a GPU or a CPU. The learning rate follows the clock, so that any budget ends with a low
rate. A stopped run continues from its checkpoint.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from models.nano import tokenizer as tokenizers
from models.nano.data import draw_batches
from models.nano.model import Nano, Shape
from models.nano.muon import Muon
from models.nano.probe import format_exact_shares

MATRIX_RATE = 0.02
OTHER_RATE = 3e-3
FLAT = 0.6
"""Share of the budget at the full learning rate, which then falls linearly to `FLOOR`."""
FLOOR = 0.04
WARMUP = 60
"""Number of steps in which the learning rate rises to its full value."""
ROUND = 512
"""The number of learnt tokens in a step is cut to a multiple of this."""


@dataclass(slots=True)
class RunProgress:
    """Progress of a run: steps, tokens and seconds of training; saved in its checkpoint."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0


def compute_rate_factor(progress: RunProgress, budget: float) -> float:
    """Return the factor on the learning rates for this share of the budget (seconds)."""
    done = min(1.0, progress.seconds / budget)
    falling = 1.0 if done < FLAT else max(FLOOR, (1 - done) / (1 - FLAT))
    return min(1.0, (progress.step + 1) / WARMUP) * falling


def make_optimizers(model: Nano) -> tuple[Muon, torch.optim.AdamW]:
    """Return Muon for the matrices of the blocks, and AdamW for embeddings and norms."""
    matrices = [p for p in model.blocks.parameters() if p.ndim == 2]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    return Muon(matrices, MATRIX_RATE), torch.optim.AdamW(
        others, lr=OTHER_RATE, betas=(0.9, 0.95), weight_decay=0.0
    )


def compute_loss(model: Nano, ids: Tensor, learnt: Tensor) -> Tensor:
    """Return the mean cross entropy over the learnt tokens of a batch.

    `ids` and `learnt`, a mask, are arrays (batch, time + 1).
    """
    hidden = model.compute_hidden_states(ids[:, :-1])
    places = learnt[:, 1:].flatten().nonzero()[:, 0]
    # Rounded down, so that kernels meet few sizes and need not be made anew at each step.
    places = places[: max(1, len(places) // ROUND) * ROUND]
    return F.cross_entropy(
        model.compute_logits(hidden.flatten(0, 1)[places]).float(), ids[:, 1:].flatten()[places]
    )


class TrainingRun:
    """One training run, with its folder of tokenizer.json and checkpoint.pt."""

    def __init__(
        self, folder: Path, shape: Shape, seed: int, device: torch.device, compiled: bool
    ) -> None:
        self.folder, self.seed, self.device = folder, seed, device
        folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer = self._load_or_train_tokenizer()
        torch.manual_seed(seed)
        self.model = Nano(shape).to(device)
        self.optimizers = make_optimizers(self.model)
        for block in self.model.blocks if compiled else ():
            block.compile()
        self.progress = RunProgress()
        if self.checkpoint.exists():
            self._load_checkpoint()

    @property
    def checkpoint(self) -> Path:
        """Path of the checkpoint."""
        return self.folder / "checkpoint.pt"

    def _load_or_train_tokenizer(self) -> Tokenizer:
        path = self.folder / "tokenizer.json"
        if not path.exists():
            tokenizers.train_tokenizer(seed=self.seed).save(str(path))
        return tokenizers.load_tokenizer(path)

    def _load_checkpoint(self) -> None:
        saved = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.model.load_state_dict(saved["model"])
        for optimizer, state in zip(self.optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.progress = RunProgress(**saved["progress"])
        print(
            f"going on from step {self.progress.step}, {self.progress.tokens / 1e6:.1f}M tokens",
            flush=True,
        )

    def save_checkpoint(self) -> None:
        """Write the checkpoint; it replaces the old one when it is complete."""
        part = self.checkpoint.with_suffix(".part")
        progress = {
            "step": self.progress.step,
            "tokens": self.progress.tokens,
            "seconds": self.progress.seconds,
        }
        torch.save(
            {
                "model": self.model.state_dict(),
                "optimizers": [o.state_dict() for o in self.optimizers],
                "progress": progress,
                "shape": self.model.shape.asdict(),
            },
            part,
        )
        part.replace(self.checkpoint)

    def train_until(self, budget: float, size: int, length: int, every: float) -> None:
        """Train until `budget` seconds are used, those of earlier calls included.

        `size` is the number of rows in a batch, `length` that of tokens in a row, `every` the
        seconds between checkpoints.
        """
        # A sitting draws its own stream: what was seen before is not drawn again.
        stream = draw_batches(self.tokenizer, self.seed + 7919 * self.progress.step, size, length)
        shown = saved = time.perf_counter()
        losses: list[float] = []
        while self.progress.seconds < budget:
            start = time.perf_counter()
            ids, learnt = (torch.from_numpy(a).to(self.device) for a in next(stream))
            losses.append(self._train_step(ids, learnt, compute_rate_factor(self.progress, budget)))
            now = time.perf_counter()
            self.progress.step += 1
            self.progress.tokens += ids.numel()
            self.progress.seconds += now - start
            if now - shown > 20:
                shown = now
                print(
                    self._format_progress(losses, ids.numel() / (now - start), budget), flush=True
                )
                losses.clear()
            if now - saved > every:
                self.save_checkpoint()
                print(format_exact_shares(self.model, self.tokenizer, self.device), flush=True)
                saved = time.perf_counter()
        self.save_checkpoint()
        print(format_exact_shares(self.model, self.tokenizer, self.device, each=200), flush=True)

    def _train_step(self, ids: Tensor, learnt: Tensor, factor: float) -> float:
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            loss = compute_loss(self.model, ids, learnt)
        torch.autograd.backward(loss)
        for optimizer, full in zip(self.optimizers, (MATRIX_RATE, OTHER_RATE), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = full * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return loss.item()

    def _format_progress(self, losses: list[float], speed: float, budget: float) -> str:
        p = self.progress
        left = max(0.0, budget - p.seconds) / 60
        return (
            f"step {p.step}  {p.tokens / 1e6:.2f}M tokens  loss {sum(losses) / len(losses):.4f}  "
            f"{speed:.0f} tokens/s  {left:.0f} min left"
        )


def main() -> None:
    """Train the run that the options describe."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--minutes", type=float, default=60, help="budget, earlier sittings counted in"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "run", help="folder of the run"
    )
    parser.add_argument("--batch", type=int, default=16, help="rows a step")
    parser.add_argument("--length", type=int, default=512, help="tokens a row")
    parser.add_argument("--layers", type=int, default=Shape().layers, help="blocks of the model")
    parser.add_argument("--width", type=int, default=Shape().width, help="width of the model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--eager", action="store_true", help="do without torch.compile (which needs a C++ compiler)"
    )
    parser.add_argument("--save-every", type=float, default=5, help="minutes between checkpoints")
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shape = Shape(
        layers=args.layers, width=args.width, hidden=args.width * 5 // 2, heads=args.width // 64
    )
    run = TrainingRun(args.out, shape, args.seed, device, not args.eager)
    print(
        f"{sum(p.numel() for p in run.model.parameters()) / 1e6:.2f}M parameters on {device}",
        flush=True,
    )
    run.train_until(args.minutes * 60, args.batch, args.length, args.save_every * 60)


if __name__ == "__main__":
    main()
