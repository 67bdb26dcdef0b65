"""Convert all-MiniLM-L6-v2 to the shipped GGUF: `python -m models.minilm.convert [--out FILE]`.

Keys and tensor names are those of llama.cpp's `bert` architecture. The same weights give the same
bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from rm_local import paths
from rm_local.embed import MINILM, WORD_START, check_minilm_weights, find_minilm_weights_folder

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

OUTER = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
}
INNER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
FULL_PRECISION = ("position_embd.weight", "token_types.weight")
"""Matrices stored as float32, since llama.cpp adds them to float32 rows; others become float16."""
QUANTIZED = ("token_embd.weight",)
"""Half of the weights. Only looked up, not multiplied, so that eight bits cost no time."""
EMBEDDING_TYPE = gguf.GGMLQuantizationType.Q8_0


def write_gguf(folder: Path, path: Path, name: str) -> None:
    """Convert the model in `folder` to GGUF, and write it to `path`, with `name` in its metadata.

    Raises:
        OSError, KeyError: A file or a tensor is missing.
    """
    config = json.loads((folder / "config.json").read_text("utf-8"))
    limits = json.loads((folder / "sentence_bert_config.json").read_text("utf-8"))
    # The context is the length that sentence-transformers cuts texts to, so that both cut alike.
    context = int(limits["max_seq_length"])
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name(name)
    _add_hyperparameters(writer, config, context)
    _add_vocabulary(writer, (folder / "vocab.txt").read_text("utf-8").split("\n"))
    weights = load_file(folder / "model.safetensors")
    for source, target in _map_tensor_names(int(config["num_hidden_layers"])).items():
        if target in QUANTIZED:
            packed = gguf.quants.quantize(weights[source].astype(np.float32), EMBEDDING_TYPE)
            writer.add_tensor(target, packed, raw_dtype=EMBEDDING_TYPE)
        else:
            writer.add_tensor(target, _convert_tensor(target, weights[source], context))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_hyperparameters(writer: gguf.GGUFWriter, config: dict[str, Any], context: int) -> None:
    """Add the metadata of the architecture: sizes of the layers, context length, pooling."""
    writer.add_context_length(context)
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)


def _add_vocabulary(writer: gguf.GGUFWriter, lines: list[str]) -> None:
    """Add the metadata of the tokenizer; `lines` are those of BERT's `vocab.txt`."""
    tokens = lines[:-1] if lines[-1] == "" else lines
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([_convert_piece(token) for token in tokens])
    kinds = gguf.TokenType
    writer.add_token_types([kinds.CONTROL if t in SPECIAL else kinds.NORMAL for t in tokens])
    writer.add_token_type_count(2)
    writer.add_pad_token_id(tokens.index("[PAD]"))
    writer.add_unk_token_id(tokens.index("[UNK]"))
    writer.add_bos_token_id(tokens.index("[CLS]"))
    writer.add_sep_token_id(tokens.index("[SEP]"))
    writer.add_mask_token_id(tokens.index("[MASK]"))


def _convert_piece(token: str) -> str:
    """Convert a piece from BERT's notation (`##` inside a word) to that of llama.cpp."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[2:] if token.startswith("##") else WORD_START + token


def _map_tensor_names(layers: int) -> dict[str, str]:
    """Map the name of each tensor in the safetensors file to its GGUF name, for `layers` layers."""
    modules = dict(OUTER)
    for layer in range(layers):
        for source, target in INNER.items():
            modules[f"encoder.layer.{layer}.{source}"] = f"blk.{layer}.{target}"
    names = {f"{source}.weight": f"{target}.weight" for source, target in modules.items()}
    for source, target in modules.items():
        if not source.endswith("_embeddings"):
            names[f"{source}.bias"] = f"{target}.bias"
    return names


def _convert_tensor(name: str, weights: NDArray[Any], context: int) -> NDArray[Any]:
    """Convert a tensor to its type in the file; positions beyond the context are cut off."""
    if name == "position_embd.weight":
        weights = weights[:context]
    if weights.ndim == 2 and name not in FULL_PRECISION:
        return weights.astype(np.float16)
    return weights.astype(np.float32)


def main() -> None:
    """Convert the installed weights, and print the hash of the file."""
    parser = argparse.ArgumentParser(prog="python -m models.minilm.convert", description=__doc__)
    parser.add_argument("--out", type=Path, default=paths.shipped_minilm(), help="the GGUF file")
    out = parser.parse_args().out
    folder = find_minilm_weights_folder()
    check_minilm_weights(folder)
    write_gguf(folder, out, MINILM.id)
    print(f"{out}: sha256 {hashlib.sha256(out.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
