"""Samples the tokens of one branch with a chain of llama.cpp's samplers."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import llama_cpp

from rm_local.engine.branches import Sampling

_SEED_COUNT = 2**32 - 1
"""Number of seeds. The largest 32-bit number is excluded: in llama.cpp it means "random"."""
MIN_P = 1e-5
"""Minimum probability of a token relative to the most probable one; other tokens are dropped.
The nucleus of a trained model rarely contains such tokens; 150,000 tokens take a third of the
time without them."""


PENALTY_TOKENS = 64
"""Number of last tokens that the repetition penalty considers."""
_DRY_BASE, _DRY_FREE, _DRY_TOKENS = 1.75, 2, 1024
"""Growth of DRY's penalty per token of the repeated sequence, tokens of it without a penalty, and
number of last tokens considered; the first two are llama.cpp's defaults."""
_DRY_BREAKERS = (b"\n", b":", b'"', b"*")
"""Texts that interrupt a repeated sequence for DRY; llama.cpp's defaults."""


@dataclass(frozen=True, slots=True)
class RepetitionPenalties:
    """The penalties for repetition in `EngineOptions`, with the model's vocabulary."""

    vocabulary: Any
    """llama.cpp's handle of the vocabulary."""
    repeat: float = 1.0
    dry: float = 0.0

    def create_samplers(self) -> list[Any]:
        """Create the samplers for the start of a chain; an empty list without penalties."""
        samplers: list[Any] = []
        if self.repeat != 1:
            size = llama_cpp.llama_vocab_n_tokens(self.vocabulary)
            samplers.append(
                llama_cpp.llama_sampler_init_penalties(size, PENALTY_TOKENS, self.repeat, 0, 0)
            )
        if self.dry > 0:
            breakers = (ctypes.c_char_p * len(_DRY_BREAKERS))(*_DRY_BREAKERS)
            samplers.append(
                llama_cpp.llama_sampler_init_dry(
                    self.vocabulary,
                    self.dry,
                    _DRY_BASE,
                    _DRY_FREE,
                    _DRY_TOKENS,
                    breakers,
                    len(breakers),
                )
            )
        return samplers


class Sampler:
    """A chain of llama.cpp's samplers with its own random numbers: same seed, same tokens."""

    def __init__(
        self, sampling: Sampling, seed: int, penalties: RepetitionPenalties | None = None
    ) -> None:
        self.chain: Any = llama_cpp.llama_sampler_chain_init(
            llama_cpp.llama_sampler_chain_default_params()
        )
        if sampling.temperature <= 0:
            samplers = [llama_cpp.llama_sampler_init_greedy()]
        else:
            samplers = [
                llama_cpp.llama_sampler_init_min_p(MIN_P, 1),
                llama_cpp.llama_sampler_init_top_p(sampling.top_p, 1),
                llama_cpp.llama_sampler_init_temp(sampling.temperature),
                llama_cpp.llama_sampler_init_dist(seed % _SEED_COUNT),
            ]
        for sampler in [*(penalties.create_samplers() if penalties else ()), *samplers]:
            llama_cpp.llama_sampler_chain_add(self.chain, sampler)

    def sample_token(self, context: Any, row: int) -> int:
        """Sample a token from the logits of one row of the context's last decoded batch."""
        token: int = llama_cpp.llama_sampler_sample(self.chain, context, row)
        return token

    def accept_token(self, token: int) -> None:
        """Add a token that was sampled elsewhere to the history for the penalties."""
        llama_cpp.llama_sampler_accept(self.chain, token)

    def close(self) -> None:
        """Free the chain. Can be called several times."""
        if self.chain:
            llama_cpp.llama_sampler_free(self.chain)
        self.chain = None
