"""Makes GGUF models of random weights, for tests of what does not depend on sense."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
)
PLAIN_TEMPLATE = TEMPLATE.replace("<think>\n", "")
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
THINK = ["<think>", "</think>"]
MERGES = ["t h", "th e", "\u0120 the", "i n", "a n", "Ċ Ċ"]


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a model; the defaults are 0.1M parameters, which load in no time."""

    width: int = 64
    layers: int = 2
    heads: int = 4
    inner: int = 96
    context: int = 2048


LARGE = Shape(width=512, layers=12, heads=8, inner=1536, context=8192)
"""40M parameters: reading a few thousand tokens takes seconds."""


def write(
    path: Path,
    shape: Shape = Shape(),
    *,
    template: str | None = TEMPLATE,
    think: bool = True,
    architecture: str = "qwen3",
    kind: str = "model",
    calculator: bool | None = None,
) -> Path:
    """A Qwen3-shaped model with a byte-level vocabulary; `think`: the tags are tokens of it.

    `calculator`: whether the file says that it uses one; None = it says nothing.
    """
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type(kind)
    writer.add_name("tiny")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_key_length(shape.width // shape.heads)
    writer.add_value_length(shape.width // shape.heads)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10000.0)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_float32("general.sampling.temp", 0.6)
    if calculator is not None:
        writer.add_bool("rm_local.calculator", calculator)
    size = _vocabulary(writer, think, template)
    _weights(writer, shape, size)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _vocabulary(writer: gguf.GGUFWriter, think: bool, template: str | None) -> int:
    merged = [merge.replace(" ", "") for merge in MERGES]
    special = CONTROL + (THINK if think else [])
    tokens = special + _bytes() + merged
    types = [3] * len(CONTROL) + [4] * (len(special) - len(CONTROL))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types + [1] * (len(tokens) - len(types)))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    if template:
        writer.add_chat_template(template)
    return len(tokens)


def _bytes() -> list[str]:
    """The 256 characters that stand for bytes in a byte-level vocabulary (GPT-2's table)."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    table = {byte: chr(byte) for byte in shown}
    table |= {byte: chr(256 + n) for n, byte in enumerate(hidden)}
    return [table[byte] for byte in range(256)]


def _weights(writer: gguf.GGUFWriter, shape: Shape, vocabulary: int) -> None:
    random = np.random.default_rng(0)
    width, inner, head = shape.width, shape.inner, shape.width // shape.heads

    def matrix(name: str, *size: int) -> None:
        values = random.standard_normal(size, dtype=np.float32) * 0.05
        writer.add_tensor(name, values.astype(np.float16))

    def norm(name: str, size: int) -> None:
        writer.add_tensor(name, np.ones(size, np.float32))

    matrix("token_embd.weight", vocabulary, width)
    norm("output_norm.weight", width)
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            matrix(f"{block}{name}.weight", width, width)
        matrix(f"{block}ffn_gate.weight", inner, width)
        matrix(f"{block}ffn_up.weight", inner, width)
        matrix(f"{block}ffn_down.weight", width, inner)
        norm(f"{block}attn_norm.weight", width)
        norm(f"{block}ffn_norm.weight", width)
        norm(f"{block}attn_q_norm.weight", head)
        norm(f"{block}attn_k_norm.weight", head)
