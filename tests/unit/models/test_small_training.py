"""Training of rm-small's adapter: its file, its rows, its threads."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaModel

from models.small.adapter import Trained, read_adapter, write_adapter
from models.small.network import MATRICES, Network, Shape, list_adapters
from models.small.read_base import join_rotary, split_rotary
from models.small.steps import GRAIN, Tokenizer, draw_steps
from models.small.thread_count import PATIENCE, ThreadCount
from tests.support.smollm2 import require_smollm2

SHAPE = Shape(layers=2, hidden=32, heads=4, kv_heads=2, epsilon=1e-5, rope_base=1e4)
INNER, WORDS = 48, 64
ROOT = Path(__file__).resolve().parents[3]


def adapted(rank: int = 3) -> Network:
    """A model of random weights with adapters that change it."""
    model = Network(draw_weights(), SHAPE, rank, 6.0)
    for _, lora in list_adapters(model):
        torch.nn.init.normal_(lora.b, std=0.1)
    return model


def draw_weights() -> dict[str, torch.Tensor]:
    """Tensors of a tiny model by llama.cpp's names, always the same."""
    generator = torch.Generator().manual_seed(1)
    keys = SHAPE.kv_heads * SHAPE.head_size
    outputs = (SHAPE.hidden, keys, keys, SHAPE.hidden, INNER, INNER, SHAPE.hidden)
    shapes = {"token_embd.weight": (WORDS, SHAPE.hidden), "output_norm.weight": (SHAPE.hidden,)}
    for layer in range(SHAPE.layers):
        for norm in ("attn_norm", "ffn_norm"):
            shapes[f"blk.{layer}.{norm}.weight"] = (SHAPE.hidden,)
        for name, rows in zip(MATRICES, outputs, strict=True):
            columns = INNER if name == "ffn_down" else SHAPE.hidden
            shapes[f"blk.{layer}.{name}.weight"] = (rows, columns)
    return {name: torch.randn(shape, generator=generator) / 4 for name, shape in shapes.items()}


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


def test_texts_of_a_step_do_not_see_each_other() -> None:
    """A text has the same hidden states alone and after another one."""
    model = adapted()
    ids = torch.arange(48) % WORDS
    together, alone = model(ids, (16, 32)), model(ids[16:], (32,))

    torch.testing.assert_close(together[16:], alone, atol=0.1, rtol=0.05)
    assert not torch.allclose(model(ids, (48,))[16:], alone, atol=0.1)


@pytest.mark.slow
def test_importing_the_training_does_not_import_the_compiler() -> None:
    """It takes seconds, and only training compiles."""
    code = "import sys, models.small.train; sys.exit('torch._dynamo' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_all_tensors_of_a_step_are_on_the_device_of_its_ids() -> None:
    """Masks and rotations of a step on the processor are not taken for another device."""
    model, ids = adapted(), torch.arange(16) % WORDS
    model(ids, (16,))
    assert model.to("meta")(ids.to("meta"), (16,)).is_meta


def test_the_network_computes_what_the_llama_model_of_transformers_computes() -> None:
    """With the adapters at zero: logits of the same weights, up to bfloat16."""
    weights = {name: values.bfloat16().float() for name, values in draw_weights().items()}
    ids = torch.arange(20) % WORDS
    hidden = Network(weights, SHAPE, 3, 6.0)(ids, (20,)).float()
    reference = build_llama(weights)(input_ids=ids[None]).last_hidden_state[0]

    assert torch.nn.functional.cosine_similarity(hidden, reference, dim=1).min() > 0.999


def build_llama(weights: dict[str, torch.Tensor]) -> LlamaModel:
    """The same model in float32 as transformers has it."""
    reference = LlamaModel(
        LlamaConfig(
            vocab_size=WORDS,
            hidden_size=SHAPE.hidden,
            intermediate_size=INNER,
            num_hidden_layers=SHAPE.layers,
            num_attention_heads=SHAPE.heads,
            num_key_value_heads=SHAPE.kv_heads,
            rms_norm_eps=SHAPE.epsilon,
            rope_parameters={"rope_type": "default", "rope_theta": SHAPE.rope_base},
        )
    )
    own = {
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    state = {
        "embed_tokens.weight": weights["token_embd.weight"],
        "norm.weight": weights["output_norm.weight"],
    }
    for layer in range(SHAPE.layers):
        for theirs, ours in own.items():
            state[f"layers.{layer}.{theirs}.weight"] = weights[f"blk.{layer}.{ours}.weight"]
    reference.load_state_dict(state)
    return reference


def test_the_loss_and_its_gradient_are_those_of_cross_entropy() -> None:
    """Over the tokens that are learnt, as PyTorch computes it from all logits."""
    model = adapted()
    ids, learnt = torch.arange(40) % WORDS, torch.arange(40) % 3 == 1
    loss = model.compute_loss(ids, learnt, (24, 16))
    torch.autograd.backward(loss)
    own = [lora.b.grad for _, lora in list_adapters(model)]
    model.zero_grad()
    targets = learnt.nonzero().squeeze(1)
    logits = model(ids, (24, 16))[targets - 1] @ model.embedding.T
    expected = torch.nn.functional.cross_entropy(logits.float(), ids[targets])
    torch.autograd.backward(expected)

    torch.testing.assert_close(loss, expected, atol=1e-3, rtol=1e-2)
    for gradient, (_, lora) in zip(own, list_adapters(model), strict=True):
        assert gradient is not None
        assert lora.b.grad is not None
        assert (gradient - lora.b.grad).norm() < 0.05 * lora.b.grad.norm() + 1e-4


def test_steps_hold_whole_texts_and_mark_what_is_learnt() -> None:
    """All steps have one size; the same seed gives the same ones."""
    tokenizer = Tokenizer(require_smollm2())
    one, other = (list(islice(draw_steps(tokenizer, 5, 1024), 3)) for _ in range(2))

    for step, again in zip(one, other, strict=True):
        assert torch.equal(step.ids, again.ids)
        assert step.ids.shape == step.learnt.shape == (1024,)
        assert sum(step.lengths) == 1024
        assert all(length % GRAIN == 0 for length in step.lengths)
        assert 0.1 < step.learnt.float().mean() < 0.7


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
