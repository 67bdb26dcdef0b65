"""How one branch draws its tokens."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import llama_cpp

from rm_local.engine.branches import Sampling

_SEEDS = 2**32 - 1
"""llama.cpp takes the largest 32-bit number for "draw a seed"; it is left out."""
HOPELESS = 1e-5
"""Tokens less likely than this part of the likeliest are not looked at. A trained model's nucleus
hardly ever has one; among 150,000 tokens it is found in a third of the time without them."""


PENALTY_TOKENS = 64
"""Tokens written last that the repetition penalty looks at."""
_DRY_BASE, _DRY_FREE, _DRY_TOKENS = 1.75, 2, 1024
"""Growth of DRY's penalty per token of the repeated sequence, tokens of it that are free, and how
far back it looks; the first two are llama.cpp's defaults."""
_DRY_BREAKERS = (b"\n", b":", b'"', b"*")
"""Texts that no repeated sequence goes across; llama.cpp's defaults."""


@dataclass(frozen=True, slots=True)
class Penalties:
    """What makes repeating less probable (`EngineOptions`), for one vocabulary."""

    vocabulary: Any
    """Handle of llama.cpp."""
    repeat: float = 1.0
    dry: float = 0.0

    def links(self) -> list[Any]:
        """New samplers to put in front of a chain; none where nothing is penalised."""
        links: list[Any] = []
        if self.repeat != 1:
            size = llama_cpp.llama_vocab_n_tokens(self.vocabulary)
            links.append(
                llama_cpp.llama_sampler_init_penalties(size, PENALTY_TOKENS, self.repeat, 0, 0)
            )
        if self.dry > 0:
            breakers = (ctypes.c_char_p * len(_DRY_BREAKERS))(*_DRY_BREAKERS)
            links.append(
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
        return links


class Sampler:
    """A chain of llama.cpp's samplers with random numbers of its own: same seed, same draws."""

    def __init__(self, sampling: Sampling, seed: int, penalties: Penalties | None = None) -> None:
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
        for link in [*(penalties.links() if penalties else ()), *links]:
            llama_cpp.llama_sampler_chain_add(self.chain, link)

    def draw(self, context: Any, row: int) -> int:
        """A token from the logits of one row of the batch that the context decoded last."""
        token: int = llama_cpp.llama_sampler_sample(self.chain, context, row)
        return token

    def accept(self, token: int) -> None:
        """Take note of a token that was not drawn, for what penalizes repeating."""
        llama_cpp.llama_sampler_accept(self.chain, token)

    def close(self) -> None:
        """Free the chain. More than once is the same as once."""
        if self.chain:
            llama_cpp.llama_sampler_free(self.chain)
        self.chain = None
