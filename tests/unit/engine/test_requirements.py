"""Memory, from published sizes of models: counted by hand here, by the library there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rm_local.engine.placement import requirements
from rm_local.engine.placement.adapted_model import AdaptedModelSizes
from rm_local.gguf import read_and_check_lora_header
from rm_local.library import model_file
from rm_local.library.model_file import ModelDescription
from rm_local.options import Precision
from tests.support import gguf_headers

GIB = 1 << 30


def read(folder: Path, architecture: str, **more: Any) -> ModelDescription:
    path = gguf_headers.write(folder / "m.gguf", gguf_headers.model(architecture, **more))
    return model_file.read_model_description(path)


@pytest.fixture
def qwen3_4b(tmp_path: Path) -> ModelDescription:
    """The sizes of Qwen3-4B, at 2.5 GB of weights, of which 2.1 GB are in the layers."""
    read_ = read(
        tmp_path,
        "qwen3",
        block_count=36,
        embedding_length=2560,
        feed_forward_length=9728,
        context_length=40960,
        attention__head_count=32,
        attention__head_count_kv=8,
        attention__key_length=128,
        attention__value_length=128,
    )
    return replace(read_, weight_bytes=2_500_000_000, total_layer_bytes=2_100_000_000)


def test_the_cache_counts_grouped_heads(qwen3_4b: ModelDescription) -> None:
    """36 layers x (8 heads x 128) x 2 numbers a token; the context is rounded up to 256."""
    need = requirements.estimate_memory(qwen3_4b, 8000)

    assert need.context == 8192
    assert need.cache == 8192 * 36 * 2 * 1024 * 2
    assert need.total == need.weights + need.cache + need.compute + requirements.PROCESS_BYTES
    assert need.compute < need.cache


def test_adapters_are_counted_as_weights(qwen3_4b: ModelDescription, tmp_path: Path) -> None:
    """All of their bytes, those of layers with the layers; cache and computing stay the same."""
    path = gguf_headers.write(
        tmp_path / "a.gguf",
        {"general.type": "adapter", "general.architecture": "qwen3", "adapter.type": "lora"},
        {
            "blk.0.attn_q.weight.lora_a": (2560, 16),
            "blk.0.attn_q.weight.lora_b": (16, 4096),
            "output.weight.lora_a": (2560, 16),
            "output.weight.lora_b": (16, 1000),
        },
    )
    adapter = read_and_check_lora_header(path)
    adapted = AdaptedModelSizes(qwen3_4b, [adapter, adapter])

    alone = requirements.estimate_memory(qwen3_4b, 8192)
    need = requirements.estimate_memory(adapted, 8192)

    layered, rest = 2 * 16 * (2560 + 4096), 2 * 16 * (2560 + 1000)
    assert need.weights == alone.weights + 2 * (layered + rest)
    assert adapted.total_layer_bytes == qwen3_4b.total_layer_bytes + 2 * layered
    assert (need.cache, need.compute) == (alone.cache, alone.compute)


def test_a_quantized_cache_needs_less_memory(qwen3_4b: ModelDescription) -> None:
    """Q8_0 stores 32 numbers in 34 bytes."""
    need = requirements.estimate_memory(qwen3_4b, 8192, kv="q8_0")

    assert need.cache == 8192 * 36 * 2 * 1024 // 32 * 34


def test_the_largest_context_is_the_last_that_fits(qwen3_4b: ModelDescription) -> None:
    """The last one that fits; at most what the model was trained for, and 0 when none does."""

    def find_largest(free: int, kv: Precision = "f16") -> int:
        return requirements.find_largest_fitting_context_or_zero(
            lambda context: requirements.estimate_memory(qwen3_4b, context, kv=kv).total <= free,
            qwen3_4b.trained_context,
        )

    largest = find_largest(4 * GIB)

    assert 0 < largest < 40960
    assert requirements.estimate_memory(qwen3_4b, largest).total <= 4 * GIB
    assert (
        requirements.estimate_memory(qwen3_4b, largest + requirements.CONTEXT_STEP).total > 4 * GIB
    )
    assert find_largest(4 * GIB, "q8_0") > largest
    assert find_largest(100 * GIB) == 40960
    assert find_largest(GIB) == 0


def test_computing_without_flash_attention_needs_more_memory(qwen3_4b: ModelDescription) -> None:
    """Computing then holds the scores of all 32 heads, 4 bytes each."""
    with_, without = (
        requirements.estimate_memory(qwen3_4b, 8192, flash=flash) for flash in (True, False)
    )

    assert without.cache == with_.cache
    assert without.compute - with_.compute == 8192 * (128 * (4 * 33 - 2) + 72)


def test_windows_save_memory_only_when_asked_for(tmp_path: Path) -> None:
    """Every second layer of gpt-oss sees 128 tokens; all are kept unless asked otherwise."""
    gpt = read(
        tmp_path,
        "gpt-oss",
        block_count=24,
        attention__head_count=64,
        attention__head_count_kv=8,
        attention__key_length=64,
        attention__value_length=64,
        attention__sliding_window=128,
    )
    row = 2 * 8 * 64 * 2

    assert requirements.estimate_memory(gpt, 4096).cache == 24 * 4096 * row
    assert requirements.estimate_memory(gpt, 4096, windows=True).cache == 12 * (4096 + 256) * row


def test_windows_are_read_from_the_metadata(tmp_path: Path) -> None:
    """A list of one mark a layer goes before the architecture's pattern."""
    gemma = read(
        tmp_path,
        "gemma4",
        block_count=3,
        attention__sliding_window=512,
        attention__sliding_window_pattern=[True, False, True],
    )

    assert [layer.window for layer in gemma.shape.layers] == [512, 0, 512]


def test_layers_with_a_state_keep_no_keys(tmp_path: Path) -> None:
    """Of Qwen3-Next every fourth layer keeps keys and values, of LFM2 those with KV heads."""
    qwen = read(
        tmp_path,
        "qwen3next",
        block_count=8,
        full_attention_interval=4,
        attention__head_count_kv=2,
        attention__key_length=256,
        attention__value_length=256,
        ssm__inner_size=4096,
        ssm__state_size=128,
        ssm__group_count=16,
        ssm__conv_kernel=4,
    )
    lfm = read(
        tmp_path,
        "lfm2",
        block_count=3,
        attention__head_count_kv=[0, 8, 0],
        shortconv__l_cache=3,
    )

    kept = [bool(layer.key) for layer in qwen.shape.layers]
    assert kept == [False, False, False, True] * 2
    state = 3 * (4096 + 2 * 16 * 128) + 4096 * 128
    assert qwen.shape.layers[0].state == state
    grows = (
        requirements.estimate_memory(qwen, 2048).cache
        - requirements.estimate_memory(qwen, 1024).cache
    )
    assert grows == 2 * 1024 * 2 * (256 + 256) * 2
    assert [layer.state for layer in lfm.shape.layers] == [2 * 64, 0, 2 * 64]


def test_compressed_keys_keep_one_row_per_token(tmp_path: Path) -> None:
    """DeepSeek's latent attention keeps one row of 576 a token, and no values."""
    deepseek = read(
        tmp_path,
        "deepseek2",
        block_count=2,
        attention__head_count=128,
        attention__head_count_kv=1,
        attention__key_length=576,
        attention__value_length=512,
        attention__key_length_mla=192,
    )

    assert requirements.estimate_memory(deepseek, 1024).cache == 1024 * 2 * 576 * 2


def test_experts_compute_as_many_as_a_token_takes(tmp_path: Path) -> None:
    """Eight of 128 experts of 768 are as wide as one layer of 6144."""
    moe = read(
        tmp_path,
        "qwen3moe",
        feed_forward_length=6144,
        expert_feed_forward_length=768,
        expert_count=128,
        expert_used_count=8,
    )

    assert (moe.experts, moe.shape.inner) == ((128, 8), 6144)
