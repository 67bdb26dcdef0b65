"""Samples the tokens of a branch with a chain of llama.cpp's samplers."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import llama_cpp

from rm_local.engine.branches import SamplingParameters

_SEED_COUNT = 2**32 - 1
"""Number of different seeds; the largest 32-bit number means "random" in llama.cpp."""
MIN_P = 1e-5
"""Minimum probability of a sampled token relative to the most probable one; others are dropped.

The nucleus (top-p) rarely contains them; without them a vocabulary of 150,000 tokens takes a third
of the time."""


PENALTY_TOKENS = 64
"""Number of last tokens for which the repetition penalty lowers the probability."""
_DRY_BASE, _DRY_FREE, _DRY_TOKENS = 1.75, 2, 1024
"""Parameters of the sampler DRY, which penalizes repeated sequences of tokens.

The factor of the penalty per repeated token, the number of repeated tokens without a penalty, and
the number of last tokens considered. The first two are llama.cpp's defaults."""
_DRY_BREAKERS = (b"\n", b":", b'"', b"*")
"""Texts across which the sampler DRY finds no repeated sequences; llama.cpp's defaults."""


@dataclass(frozen=True, slots=True)
class RepetitionPenalties:
    """The strengths of penalties for repetition, and the vocabulary that their samplers need."""

    vocabulary: Any
    """llama.cpp's handle of the vocabulary."""
    repeat: float = 1.0
    """Factor of the penalty for repeated tokens; 1 = no penalty."""
    dry: float = 0.0
    """Strength of the penalty for repeated sequences (DRY); 0 = no penalty."""

    def create_samplers(self) -> list[Any]:
        """Create llama.cpp's samplers for the penalties; an empty list without penalties."""
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
    """Samples tokens by temperature and top-p, with random numbers of its own from a seed.

    It is a chain of llama.cpp's samplers. A temperature of 0 means the most probable token.
    """

    def __init__(
        self, sampling: SamplingParameters, seed: int, penalties: RepetitionPenalties | None = None
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
        """Sample a token from the logits of row `row` of the context's last decoded batch."""
        token: int = llama_cpp.llama_sampler_sample(self.chain, context, row)
        return token

    def accept_unsampled_token(self, token: int) -> None:
        """Add a token that was not sampled here to the history for the penalties."""
        llama_cpp.llama_sampler_accept(self.chain, token)

    def close(self) -> None:
        """Free the chain of samplers; further calls have no effect."""
        if self.chain:
            llama_cpp.llama_sampler_free(self.chain)
        self.chain = None
