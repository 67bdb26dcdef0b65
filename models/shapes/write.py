"""Writes a GGUF of a shape with random weights, and a vocabulary of the shape's size."""

from __future__ import annotations

from itertools import islice, product
from pathlib import Path
from string import ascii_lowercase

import gguf

from models.shapes import weights
from models.shapes.shape import Shape, list_tensors

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
)
_FILES = {
    "Q4_K_M": gguf.LlamaFileType.MOSTLY_Q4_K_M,
    "Q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
    "F16": gguf.LlamaFileType.MOSTLY_F16,
}


def write_gguf(shape: Shape, path: Path, scheme: str, tokenizer: Path) -> None:
    """Write the model to `path`, at once when it is complete.

    `tokenizer` is a GGUF whose vocabulary is extended to the shape's size.
    """
    part = path.with_suffix(".part")
    writer = gguf.GGUFWriter(part, shape.architecture)
    _write_metadata(writer, shape, scheme)
    _write_vocabulary(writer, shape, tokenizer)
    for tensor in list_tensors(shape):
        kind = weights.choose_tensor_type(scheme, tensor, shape)
        writer.add_tensor(
            tensor.name, weights.make_tensor_data(tensor, kind, shape), raw_dtype=kind
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.replace(path)


def _write_metadata(writer: gguf.GGUFWriter, shape: Shape, scheme: str) -> None:
    writer.add_type("model")
    writer.add_name(f"{shape.name} (random weights)")
    writer.add_description(f"Random weights in the shape of {shape.source}, to measure speed with.")
    writer.add_file_type(_FILES[scheme])
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(0 if shape.state else shape.inner)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_vocab_size(shape.vocabulary)
    if shape.state:
        writer.add_head_count(0)
        writer.add_ssm_conv_kernel(shape.convolution)
        writer.add_ssm_inner_size(shape.inner)
        writer.add_ssm_state_size(shape.state)
        writer.add_ssm_time_step_rank(shape.time_step)
        return
    writer.add_head_count(shape.heads)
    per_layer = [shape.kv_heads if shape.has_attention(n) else 0 for n in range(shape.layers)]
    writer.add_head_count_kv(per_layer if shape.attention else shape.kv_heads)
    writer.add_key_length(shape.head)
    writer.add_value_length(shape.head)
    writer.add_rope_dimension_count(shape.head)
    writer.add_rope_freq_base(shape.rope_base)
    if shape.convolution:
        writer.add_shortconv_l_cache(shape.convolution)
    if shape.experts:
        writer.add_expert_count(shape.experts)
        writer.add_expert_used_count(shape.experts_used)
        writer.add_expert_feed_forward_length(shape.inner)


def _write_vocabulary(writer: gguf.GGUFWriter, shape: Shape, tokenizer: Path) -> None:
    """Write the tokenizer's own tokens, then made-up words of five letters that it never emits."""
    fields = gguf.GGUFReader(tokenizer).fields
    tokens, types, merges = (
        fields[f"tokenizer.ggml.{name}"].contents() for name in ("tokens", "token_type", "merges")
    )
    known = set(tokens)
    words = ("".join(letters) for letters in product(ascii_lowercase, repeat=5))
    missing = shape.vocabulary - len(tokens)
    tokens += islice((word for word in words if word not in known), missing)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([*types, *[gguf.TokenType.NORMAL] * missing])
    writer.add_token_merges(merges)
    for name in ("bos", "eos"):
        getattr(writer, f"add_{name}_token_id")(
            fields[f"tokenizer.ggml.{name}_token_id"].contents()
        )
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
