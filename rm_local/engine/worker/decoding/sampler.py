"""How one branch draws its tokens."""

from __future__ import annotations

from typing import Any

import llama_cpp

from rm_local.engine.branches import Sampling

_SEEDS = 2**32 - 1
"""llama.cpp takes the largest 32-bit number for "draw a seed"; it is left out."""
HOPELESS = 1e-5
"""Tokens less likely than this part of the likeliest are not looked at. A trained model's nucleus
hardly ever has one; among 150,000 tokens it is found in a third of the time without them."""


class Sampler:
    """A chain of llama.cpp's samplers with random numbers of its own: same seed, same draws."""

    def __init__(self, sampling: Sampling, seed: int) -> None:
        self.chain: Any = llama_cpp.llama_sampler_chain_init(
            llama_cpp.llama_sampler_chain_default_params()
        )
        if sampling.temperature <= 0:
            links = [llama_cpp.llama_sampler_init_greedy()]
        else:
            links = [
                llama_cpp.llama_sampler_init_min_p(HOPELESS, 1),
                llama_cpp.llama_sampler_init_top_p(sampling.top_p, 1),
                llama_cpp.llama_sampler_init_temp(sampling.temperature),
                llama_cpp.llama_sampler_init_dist(seed % _SEEDS),
            ]
        for link in links:
            llama_cpp.llama_sampler_chain_add(self.chain, link)

    def draw(self, context: Any, row: int) -> int:
        """A token from the logits of one row of the batch that the context decoded last."""
        token: int = llama_cpp.llama_sampler_sample(self.chain, context, row)
        return token

    def close(self) -> None:
        """Free the chain. More than once is the same as once."""
        if self.chain:
            llama_cpp.llama_sampler_free(self.chain)
        self.chain = None
