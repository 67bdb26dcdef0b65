"""Trains rm-small's adapter: `python -m models.small.train --minutes 60`.

Goes on from the checkpoint of the run's folder, else from the adapter in models/, else from
nothing. Runs on a GPU or on the processor, without network. The learning rate is constant;
`--decay` lets it fall to nothing over the given minutes, for an adapter that is to be released.
Ctrl+C or SIGTERM ends the sitting after its present step, and saves.
"""

from __future__ import annotations

import argparse
import json
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from models.small import kernels
from models.small.adapter import Trained, read_adapter, write_adapter
from models.small.base import find_smollm2
from models.small.network import list_adapters
from models.small.read_base import read_base
from models.small.steps import Step, Tokenizer, draw_steps
from models.small.thread_count import ThreadCount
from rm_local.paths import shipped_adapter

RANK, ALPHA = 16, 32.0
RATE = 1e-3
WARMUP = 30
"""Steps of a sitting over which the rate rises, as the optimizer begins anew."""
LONGEST_STEP = 600.0
"""Seconds; a longer step was interrupted, as by a sleeping machine, and is not counted."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a sitting does."""

    minutes: float
    decays: bool
    tokens: int
    """Of a step."""
    rate: float
    save_every: float
    """Seconds."""
    threads: int
    """At most; 0: one for each core."""


class Sitting:
    """Training from where the run's folder, or the committed adapter, has come to."""

    def __init__(self, folder: Path, seed: int, device: torch.device) -> None:
        self._folder, self._device = folder, device
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(seed)
        base = find_smollm2()
        self._tokenizer = Tokenizer(base)
        self.model = read_base(base, RANK, ALPHA).to(device)
        self._parameters = [p for p in self.model.parameters() if p.requires_grad]
        self._optimizer = torch.optim.AdamW(self._parameters, betas=(0.9, 0.95), weight_decay=0.0)
        self.trained = Trained(seed=seed)
        self.stopping = False
        """Set it to end the sitting after its present step."""
        self._resume()

    @property
    def _checkpoint(self) -> Path:
        return self._folder / "checkpoint.pt"

    def _resume(self) -> None:
        if self._checkpoint.exists():
            saved = torch.load(self._checkpoint, map_location=self._device, weights_only=True)
            for parameter, values in zip(self._parameters, saved["adapters"], strict=True):
                parameter.data.copy_(values)
            self._optimizer.load_state_dict(saved["optimizer"])
            self.trained = Trained(**saved["trained"])
        elif (adapter := shipped_adapter()).exists():
            self.trained = read_adapter(self.model, adapter)
        print(f"begins at step {self.trained.steps}, {self.trained.tokens / 1e6:.2f}M tokens")

    def run(self, options: Options) -> None:
        """Train for the given time; writes the adapter into the folder at each checkpoint."""
        # A sitting draws a stream of its own: what was seen before is not drawn again.
        seed = self.trained.seed + 7919 * self.trained.steps
        stream = draw_steps(self._tokenizer, seed, options.tokens)
        budget, began = options.minutes * 60, time.perf_counter()
        shown = saved = began
        losses: list[float] = []
        count = ThreadCount(options.threads)
        step = 0
        while (now := time.perf_counter()) - began < budget and not self.stopping:
            factor = min(1.0, (step + 1) / WARMUP)
            if options.decays:
                factor *= max(0.0, 1 - (now - began) / budget)
            torch.set_num_threads(count.threads)
            drawn = next(stream)
            losses.append(self._step(drawn, options.rate * factor))
            took = time.perf_counter() - now
            count.add_step(took)
            step += 1
            self.trained.steps += 1
            self.trained.tokens += len(drawn.ids)
            self.trained.seconds += took if took < LONGEST_STEP else 0.0
            if now - shown > 20:
                self._log(losses, len(drawn.ids) / took, began + budget - now)
                shown = now
                losses.clear()
            if now - saved > options.save_every:
                self.save()
                saved = now
        self.save()

    def _step(self, step: Step, rate: float) -> float:
        ids, learnt = step.ids.to(self._device), step.learnt.to(self._device)
        loss = self.model.compute_loss(ids, learnt, step.lengths)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return loss.item()

    def _log(self, losses: list[float], speed: float, left: float) -> None:
        t = self.trained
        loss = sum(losses) / len(losses)
        print(
            f"step {t.steps}  {t.tokens / 1e6:.3f}M tokens  loss {loss:.4f}  "
            f"{speed:.0f} tokens/s  {max(0.0, left) / 60:.0f} min left",
            flush=True,
        )
        line = {"steps": t.steps, "tokens": t.tokens, "seconds": round(t.seconds), "loss": loss}
        with (self._folder / "loss.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def save(self) -> None:
        """Write checkpoint and adapter, each whole or not at all."""
        part = self._checkpoint.with_suffix(".part")
        saved = {
            "adapters": [p.detach() for p in self._parameters],
            "optimizer": self._optimizer.state_dict(),
            "trained": asdict(self.trained),
        }
        torch.save(saved, part)
        part.replace(self._checkpoint)
        write_adapter(self.model, self.trained, self._folder / shipped_adapter().name)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60, help="of this sitting")
    parser.add_argument("--decay", action="store_true", help="let the learning rate fall to 0")
    parser.add_argument("--run", type=Path, default=Path(__file__).parent / "run")
    parser.add_argument("--tokens", type=int, default=1536, help="of a step, at most")
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--threads", type=int, default=0, help="0: one for each core")
    parser.add_argument("--save-every", type=float, default=5, help="minutes between checkpoints")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    kernels.compiles = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    sitting = Sitting(args.run, args.seed, device)
    count = sum(lora.a.numel() + lora.b.numel() for _, lora in list_adapters(sitting.model))
    print(f"{count / 1e6:.2f}M parameters are learnt, on {device}", flush=True)

    def stop(*_: object) -> None:
        sitting.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sitting.run(
        Options(
            minutes=args.minutes,
            decays=args.decay,
            tokens=args.tokens,
            rate=args.rate,
            save_every=args.save_every * 60,
            threads=args.threads,
        )
    )


if __name__ == "__main__":
    main()
