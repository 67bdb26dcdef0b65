"""Makes GGUF files that are a header and as many empty bytes after it as it asks for."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

F16 = 1
Tensors = Mapping[str, Sequence[int]]
TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}<think>"


def write(
    path: Path, metadata: Mapping[str, Any], tensors: Tensors | None = None, *, data: bool = True
) -> Path:
    """A GGUF of version 3; tensors are F16. The data are a hole in the file, which takes no room.

    Whole numbers become u32, lists what their first item is; without `data` the file ends early.
    """
    tensors = tensors if tensors is not None else {"blk.0.attn_q.weight": (32, 32)}
    out = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(metadata))]
    for key, value in metadata.items():
        out += [_string(key), _value(value)]
    offset = 0
    for name, sizes in tensors.items():
        out += [
            _string(name),
            struct.pack("<I", len(sizes)),
            struct.pack(f"<{len(sizes)}Q", *sizes),
        ]
        out.append(struct.pack("<IQ", F16, offset))
        values = 1
        for size in sizes:
            values *= size
        offset += values * 2
    head = b"".join(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head)
    if data:
        with path.open("r+b") as file:
            file.truncate(-(-len(head) // 32) * 32 + offset)
    return path


def model(architecture: str = "qwen3", **more: Any) -> dict[str, Any]:
    """Metadata of a small model that thinks; `more` are the architecture's own keys."""
    return {
        "general.architecture": architecture,
        "general.name": "Small",
        "general.file_type": 15,
        f"{architecture}.context_length": 4096,
        f"{architecture}.embedding_length": 64,
        f"{architecture}.block_count": 2,
        f"{architecture}.feed_forward_length": 96,
        f"{architecture}.attention.head_count": 4,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": ["a", "b", "c"],
        "tokenizer.chat_template": TEMPLATE,
        **{f"{architecture}.{key.replace('__', '.')}": value for key, value in more.items()},
    }


def _value(value: Any) -> bytes:
    if isinstance(value, list):
        first = value[0]
        items = b"".join(_value(item)[4:] for item in value)
        return struct.pack("<I", 9) + _value(first)[:4] + struct.pack("<Q", len(value)) + items
    if isinstance(value, str):
        return struct.pack("<I", 8) + _string(value)
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    return struct.pack("<If", 6, value)


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw
