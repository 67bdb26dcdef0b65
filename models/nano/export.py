"""Writes a trained rm-nano as GGUF and quantizes it: `python -m models.nano.export`.

Qwen3 architecture (GGUF spec, keys of general, qwen3 and tokenizer), a ChatML template that opens
the thinking, and Q8_0 by llama.cpp's own quantizer. `--references` also writes the next tokens of
the PyTorch model at fixed places; a test compares the shipped file with them.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import random
import tempfile
from pathlib import Path

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.nano import tokenizer as tokenizers
from models.nano.data import encode_trajectory
from models.nano.model import EPSILON, ROPE_BASE, Nano, Shape
from models.nano.probe import list_arms

TEMPLATE = (
    "{% set message = messages[-1] %}<|im_start|>{{ message.role }}\n{{ message.content }}"
    "<|im_end|>\n{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
)
"""ChatML template with the thinking opened; it renders only the last message.

The model was not trained on conversations.
"""
TEMPERATURE, TOP_P = 0.3, 0.95
"""Sampling recommended in the file; a model this small errs at a higher temperature."""
Q8_0 = 7
"""Value of LLAMA_FTYPE_MOSTLY_Q8_0 in llama.cpp."""
POSITIONS = 2000


def load_run(folder: Path) -> tuple[Nano, Tokenizer]:
    """Return the model and the tokenizer of a run's folder."""
    saved = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True)
    model = Nano(Shape(**saved["shape"]))
    model.load_state_dict(saved["model"])
    return model.eval(), tokenizers.load_tokenizer(folder / "tokenizer.json")


def write_gguf(model: Nano, tokenizer: Tokenizer, path: Path) -> None:
    """Write the model as an unquantized GGUF (float32)."""
    writer = gguf.GGUFWriter(path, "qwen3")
    _write_metadata(writer, model.shape)
    _write_vocabulary(writer, tokenizer)
    for name, values in collect_gguf_tensors(model).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_metadata(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name("rm-nano")
    writer.add_description(
        "Follows short procedures that are retrieved for it; trained from scratch."
    )
    writer.add_license("apache-2.0")
    writer.add_sampling_temp(TEMPERATURE)
    writer.add_sampling_top_p(TOP_P)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_key_length(shape.head)
    writer.add_value_length(shape.head)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def _write_vocabulary(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    bpe = json.loads(tokenizer.to_str())["model"]
    vocabulary = sorted(bpe["vocab"], key=bpe["vocab"].get)
    kinds = {
        **dict.fromkeys(tokenizers.CONTROL, gguf.TokenType.CONTROL),
        **dict.fromkeys(tokenizers.MARKERS, gguf.TokenType.USER_DEFINED),
    }
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(vocabulary)
    writer.add_token_types([kinds.get(token, gguf.TokenType.NORMAL) for token in vocabulary])
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in bpe["merges"]])
    writer.add_bos_token_id(bpe["vocab"]["<|endoftext|>"])
    writer.add_eos_token_id(bpe["vocab"]["<|im_end|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)


def collect_gguf_tensors(model: Nano) -> dict[str, NDArray[np.float32]]:
    """Return the weights by llama.cpp's tensor names for Qwen3."""
    found: dict[str, torch.Tensor] = {
        "token_embd.weight": model.embedding.weight,
        "output_norm.weight": model.norm.weight,
    }
    for i, block in enumerate(model.layers):
        at = f"blk.{i}."
        for letter, part in zip("qkv", block.qkv.weight.chunk(3), strict=True):
            found[f"{at}attn_{letter}.weight"] = part
        gate, up = block.gate_up.weight.chunk(2)
        found |= {
            f"{at}attn_norm.weight": block.attn_norm.weight,
            f"{at}attn_q_norm.weight": block.q_norm.weight,
            f"{at}attn_k_norm.weight": block.k_norm.weight,
            f"{at}attn_output.weight": block.out.weight,
            f"{at}ffn_norm.weight": block.ffn_norm.weight,
            f"{at}ffn_gate.weight": gate,
            f"{at}ffn_up.weight": up,
            f"{at}ffn_down.weight": block.down.weight,
        }
    return {name: np.ascontiguousarray(t.detach().float().numpy()) for name, t in found.items()}


def quantize_gguf(source: Path, target: Path) -> None:
    """Quantize the file to Q8_0 by llama.cpp; the target appears when it is complete."""
    import llama_cpp

    part = target.with_suffix(".part")
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = Q8_0
    if llama_cpp.llama_model_quantize(
        str(source).encode(), str(part).encode(), ctypes.byref(params)
    ):
        raise SystemExit(f"llama.cpp could not quantise {source}.")
    part.replace(target)


@torch.no_grad()
def write_reference_tokens(model: Nano, tokenizer: Tokenizer, path: Path, seed: int = 77) -> None:
    """Write the model's likeliest next tokens at `POSITIONS` places that it has to decide.

    Arrays of the .npz: `tokens` (rows, longest), padded with -1; `wanted` of the same shape, -1
    where nothing is compared.
    """
    rng = random.Random(seed)
    rows: list[tuple[list[int], list[int]]] = []
    left = POSITIONS
    while left:
        for draw in list_arms().values():
            ids, flags = encode_trajectory(tokenizer, draw(rng))
            choice = model(torch.tensor([ids])).argmax(-1)[0].tolist()
            wanted = [-1] * len(ids)
            for i in [i for i, learnt in enumerate(flags[1:]) if learnt][:left]:
                wanted[i] = choice[i]
                left -= 1
            rows.append((ids, wanted))
    longest = max(len(ids) for ids, _ in rows)
    padded = [[part + [-1] * (longest - len(part)) for part in row] for row in rows]
    tokens, wanted_all = np.array(padded, np.int16).transpose(1, 0, 2)
    np.savez_compressed(path, tokens=tokens, wanted=wanted_all)


def main() -> None:
    """Write the quantized model, and the reference tokens if asked."""
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, default=here / "run", help="folder of the training run")
    parser.add_argument("--out", type=Path, default=here.parent / "rm-nano-q8_0.gguf")
    parser.add_argument(
        "--references",
        type=Path,
        help="also write next tokens for the test, e.g. tests/data/nano.npz",
    )
    args = parser.parse_args()
    model, tokenizer = load_run(args.run)
    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / "rm-nano-f32.gguf"
        write_gguf(model, tokenizer, full)
        quantize_gguf(full, args.out)
    if args.references:
        write_reference_tokens(model, tokenizer, args.references)
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
