"""A quick look at a model in training: how often its greedy choice is the whole trajectory.

With the right text before it, the likeliest token is compared at every place that the model
is to write; a trajectory counts only if all agree, which is when greedy decoding writes it.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import torch
from tokenizers import Tokenizer

from models.nano.curriculum import KNOWN, chat, heldout, invented, taken, typed_problem
from models.nano.curriculum.problem import Problem
from models.nano.curriculum.trajectory import Hinted, Trajectory, chatted, solved
from models.nano.data import encode
from models.nano.model import Nano

Rng = random.Random


def arms() -> dict[str, Callable[[Rng], Trajectory]]:
    """What is looked at, each a source of trajectories."""
    return {
        "invented": lambda rng: _hinted(typed_problem(rng, invented.draw(rng, taken()))),
        "held out": lambda rng: _hinted(
            typed_problem(rng, rng.choice(heldout.procedures()).draw(rng))
        ),
        "known": lambda rng: _hinted(typed_problem(rng, rng.choice(KNOWN).draw(rng))),
        "known, no hint": lambda rng: solved(
            typed_problem(rng, rng.choice(KNOWN).draw(rng)), None, cued=False
        ),
        "wrong hint": _misled,
        "chat": lambda rng: chatted(chat.question(rng), None, cued=True),
    }


def _hinted(problem: Problem) -> Trajectory:
    return solved(problem, Hinted(problem.entry, problem.name), cued=True)


def _misled(rng: Rng) -> Trajectory:
    one, two = rng.sample(heldout.procedures(), 2)
    return solved(one.draw(rng), Hinted(two.entry(), two.name), cued=True)


@torch.no_grad()
def exact(
    model: Nano, tokenizer: Tokenizer, device: torch.device, trajectories: list[Trajectory]
) -> float:
    """Share of the trajectories that greedy decoding would write word for word."""
    right = 0
    for trajectory in trajectories:
        ids, flags = encode(tokenizer, trajectory)
        tokens = torch.tensor([ids], device=device)
        with (
            torch.compiler.set_stance("force_eager"),
            torch.autocast(device.type, dtype=torch.bfloat16),
        ):
            choice = model(tokens[:, :-1]).argmax(-1)[0]
        wanted = torch.tensor(flags[1:], device=device)
        right += bool((choice == tokens[0, 1:])[wanted].all())
    return right / len(trajectories)


def probe(
    model: Nano, tokenizer: Tokenizer, device: torch.device, each: int = 60, seed: int = 4242
) -> str:
    """One line: the share of exact trajectories for every arm."""
    rng = random.Random(seed)
    shares = {
        name: exact(model, tokenizer, device, [draw(rng) for _ in range(each)])
        for name, draw in arms().items()
    }
    return "probe  " + "  ".join(f"{name} {share:.0%}" for name, share in shares.items())
