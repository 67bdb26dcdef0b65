"""rm-nano's tokenizer: byte-level BPE over llama.cpp's `qwen2` pre-tokenizer."""

from __future__ import annotations

import random
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from models.nano.curriculum import draw_trajectory

VOCABULARY = 1536
CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
"""Control tokens, which are never shown and never made from text."""
MARKERS = ("<think>", "</think>")
"""Markers of the thinking, tokens of their own that count as text, as in Qwen3."""
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Pattern of Qwen2's pre-tokenizer, in which every digit is a token of its own."""


def train_tokenizer(samples: int = 20_000, seed: int = 0) -> Tokenizer:
    """Return a tokenizer whose merges are learnt from trajectories of the curriculum."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[*CONTROL, *MARKERS],
    )
    rng = random.Random(seed)
    tokenizer.train_from_iterator((draw_trajectory(rng).text for _ in range(samples)), trainer)
    return tokenizer


def load_tokenizer(path: Path) -> Tokenizer:
    """Return the tokenizer saved at `path`."""
    return Tokenizer.from_file(str(path))
