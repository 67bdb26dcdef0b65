"""A quick evaluation in training: the share of trajectories that greedy decoding writes exactly.

With the right text before it, the likeliest token is compared at every place that the model writes;
a trajectory counts only if all agree, which is when greedy decoding writes it.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import torch
from tokenizers import Tokenizer

from models.nano.curriculum import (
    KNOWN,
    chat,
    heldout,
    imitate_typed_problem,
    invented,
    list_taken_names,
)
from models.nano.curriculum.problem import Problem
from models.nano.curriculum.trajectory import (
    HintEntry,
    Trajectory,
    build_chat_trajectory,
    build_solved_trajectory,
)
from models.nano.data import encode_trajectory
from models.nano.model import Nano

Rng = random.Random


def list_arms() -> dict[str, Callable[[Rng], Trajectory]]:
    """Return the evaluated kinds of trajectories by name, as functions that draw one."""
    return {
        "invented": lambda rng: _build_hinted_trajectory(
            imitate_typed_problem(rng, invented.draw_invented_problem(rng, list_taken_names()))
        ),
        "held out": lambda rng: _build_hinted_trajectory(
            imitate_typed_problem(rng, rng.choice(heldout.read_procedures()).draw_problem(rng))
        ),
        "known": lambda rng: _build_hinted_trajectory(
            imitate_typed_problem(rng, rng.choice(KNOWN).draw_problem(rng))
        ),
        "known, no hint": lambda rng: build_solved_trajectory(
            imitate_typed_problem(rng, rng.choice(KNOWN).draw_problem(rng)), None, cued=False
        ),
        "wrong hint": _draw_misled_trajectory,
        "chat": lambda rng: build_chat_trajectory(
            chat.draw_unsolvable_question(rng), None, cued=True
        ),
    }


def _build_hinted_trajectory(problem: Problem) -> Trajectory:
    return build_solved_trajectory(problem, HintEntry(problem.entry, problem.name), cued=True)


def _draw_misled_trajectory(rng: Rng) -> Trajectory:
    one, two = rng.sample(heldout.read_procedures(), 2)
    return build_solved_trajectory(
        one.draw_problem(rng), HintEntry(two.build_entry(), two.name), cued=True
    )


@torch.no_grad()
def measure_exact_share(
    model: Nano, tokenizer: Tokenizer, device: torch.device, trajectories: list[Trajectory]
) -> float:
    """Return the share of the trajectories that greedy decoding would write word for word."""
    right = 0
    for trajectory in trajectories:
        ids, flags = encode_trajectory(tokenizer, trajectory)
        tokens = torch.tensor([ids], device=device)
        with (
            torch.compiler.set_stance("force_eager"),
            torch.autocast(device.type, dtype=torch.bfloat16),
        ):
            choice = model(tokens[:, :-1]).argmax(-1)[0]
        wanted = torch.tensor(flags[1:], device=device)
        right += bool((choice == tokens[0, 1:])[wanted].all())
    return right / len(trajectories)


def format_exact_shares(
    model: Nano, tokenizer: Tokenizer, device: torch.device, each: int = 60, seed: int = 4242
) -> str:
    """Measure all arms on `each` trajectories; return one line with their exact shares."""
    rng = random.Random(seed)
    shares = {
        name: measure_exact_share(model, tokenizer, device, [draw(rng) for _ in range(each)])
        for name, draw in list_arms().items()
    }
    return "probe  " + "  ".join(f"{name} {share:.0%}" for name, share in shares.items())
