"""Training of rm-small's adapter: its file, its rows, its threads."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from models.small.adapter import Trained, read_adapter, write_adapter
from models.small.network import add_adapters, join_rotary, list_adapters, split_rotary
from models.small.rows import Tokenizer, draw_rows
from models.small.thread_count import PATIENCE, ThreadCount
from tests.support.smollm2 import require_smollm2

SHAPE = LlamaConfig(
    vocab_size=64,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
)


def adapted(rank: int = 3) -> LlamaForCausalLM:
    """A model of random weights with adapters that change it."""
    model = LlamaForCausalLM(SHAPE)
    add_adapters(model, rank, 6.0)
    for _, lora in list_adapters(model):
        torch.nn.init.normal_(lora.b)
    return model


def test_training_continues_from_the_adapters_file_alone(tmp_path: Path) -> None:
    """Matrices and what was trained come back, in float16."""
    path, trained = tmp_path / "a.gguf", Trained(steps=7, tokens=900, seconds=12.5, seed=3)
    written, read = adapted(), adapted()
    write_adapter(written, trained, path)

    assert read_adapter(read, path) == trained
    for (_, one), (_, other) in zip(list_adapters(written), list_adapters(read), strict=True):
        assert torch.equal(one.a.half(), other.a.half())
        assert torch.equal(one.b.half(), other.b.half())


def test_an_adapter_of_another_rank_is_refused(tmp_path: Path) -> None:
    """Instead of training something else."""
    write_adapter(adapted(2), Trained(), tmp_path / "a.gguf")

    with pytest.raises(ValueError, match="rank"):
        read_adapter(adapted(3), tmp_path / "a.gguf")


def test_only_the_adapters_are_learnt() -> None:
    """All weights of the base are frozen."""
    model = adapted()
    learnt = {name for name, p in model.named_parameters() if p.requires_grad}

    assert learnt
    assert all(name.endswith((".a", ".b")) for name in learnt)


def test_the_order_of_rows_for_rotation_is_undone() -> None:
    """llama.cpp's order and transformers' are inverse to one another."""
    rows = np.arange(16 * 3).reshape(16, 3)

    assert np.array_equal(join_rotary(split_rotary(rows, 2), 2), rows)
    assert not np.array_equal(split_rotary(rows, 2), rows)


def test_rows_hold_whole_texts_and_say_what_is_learnt() -> None:
    """The same seed gives the same rows."""
    tokenizer = Tokenizer(require_smollm2())
    one, other = (list(islice(draw_rows(tokenizer, 5, 512), 3)) for _ in range(2))

    for (ids, learnt), (again, _) in zip(one, other, strict=True):
        assert np.array_equal(ids, again)
        assert ids.shape == learnt.shape == (513,)
        assert 0.1 < learnt.mean() < 0.7


def test_one_thread_is_taken_while_steps_stretch() -> None:
    """And all of them again after a while."""
    count = ThreadCount(4)
    count.add_step(1.0)
    assert count.threads == 4
    count.add_step(5.0)
    for _ in range(PATIENCE):
        assert count.threads == 1
        count.add_step(3.0)
    assert count.threads == 4
