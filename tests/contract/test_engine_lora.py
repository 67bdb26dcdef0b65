"""LoRA adapters on the real worker: what they change, and what they are refused for."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest

from rm_local.engine import BranchSpec, Engine, ModelInfo
from rm_local.errors import (
    InsufficientMemoryError,
    InvalidModelError,
    ModelLoadError,
    ModelNotFoundError,
)
from rm_local.lora import LoraAdapter
from rm_local.options import EngineOptions
from tests.support import gguf_headers, lora_files, tiny_gguf
from tests.support.engines import GREEDY, QUESTION, grown
from tests.support.smollm2 import require_smollm2

SPEC = BranchSpec("", 0, 16, GREEDY)


async def generate(
    engine: Engine, model: Path, *lora: LoraAdapter, context: int = 512, spec: BranchSpec = SPEC
) -> dict[str, str]:
    """What the model writes with these adapters, by part."""
    await engine.load_model(model, context=context, lora=lora)
    await engine.open_turn(QUESTION)
    texts, _ = await grown(engine, [spec])
    return texts[0]


async def test_an_adapter_changes_what_smollm2_writes(engine: Engine, tmp_path: Path) -> None:
    """With the scale 1; with the scale 0 the tokens are those of the model alone, and so are
    those of a model loaded without adapters afterwards."""
    model = require_smollm2()
    path = str(lora_files.write(tmp_path / "a.gguf", model, strength=0.1))

    alone = await generate(engine, model)
    unused = await generate(engine, model, LoraAdapter(path, 0))
    adapted = await generate(engine, model, LoraAdapter(path))
    adapted_again = await generate(engine, model, LoraAdapter(path))
    back = await generate(engine, model)

    assert alone["answer"].strip()
    assert unused == alone == back
    assert adapted == adapted_again != alone


async def test_scales_and_several_adapters_count(
    engine: Engine, tiny: Path, tmp_path: Path
) -> None:
    """Another scale and another set each write another text; with opposite scales the same adapter
    twice changes nothing."""
    a = str(lora_files.write(tmp_path / "a.gguf", tiny, seed=1))
    b = str(lora_files.write(tmp_path / "b.gguf", tiny, seed=2))
    sets = [
        (),
        (LoraAdapter(a),),
        (LoraAdapter(a, -1),),
        (LoraAdapter(b),),
        (LoraAdapter(a), LoraAdapter(b)),
    ]

    texts = [str(await generate(engine, tiny, *each)) for each in sets]
    cancelled = await generate(engine, tiny, LoraAdapter(a, 0.5), LoraAdapter(a, -0.5))

    assert len(set(texts)) == len(sets)
    assert str(cancelled) == texts[0]


async def test_the_info_names_the_adapters(engine: Engine, tiny: Path, tmp_path: Path) -> None:
    """With scale and hash; one that is not used is not among them."""
    used = lora_files.write(tmp_path / "a:b.gguf", tiny)
    adapters = [LoraAdapter(str(used), 0.5), LoraAdapter(str(tmp_path / "none.gguf"), 0)]

    info = await engine.load_model(tiny, lora=adapters)

    digest = hashlib.sha256(used.read_bytes()).hexdigest()
    assert info.lora == (LoraAdapter(str(used), 0.5, digest),)
    assert info.title_with_adapters == "tiny + a:b.gguf:0.5"


async def test_nothing_is_reused_across_sets_of_adapters(
    engine: Engine, tiny: Path, tmp_path: Path
) -> None:
    """The same conversation is read from its first token when the model is loaded with others."""
    path = str(lora_files.write(tmp_path / "a.gguf", tiny))
    for lora in ([], [LoraAdapter(path)], [LoraAdapter(path, 2)], []):
        await engine.load_model(tiny, lora=lora)
        first = await engine.open_turn(QUESTION)
        again = await engine.open_turn(QUESTION)

        assert first.evaluated.prompt == first.tokens - 1, "nothing was in the cache"
        assert again.evaluated.prompt == 0, "with the same adapters all of it was"


async def test_a_context_that_grows_keeps_the_adapters(tiny: Path, tmp_path: Path) -> None:
    """The text is the same as in a context that was so large at once."""
    path = str(lora_files.write(tmp_path / "a.gguf", tiny))
    options = EngineOptions(threads=1, context_overflow="grow")
    spec = BranchSpec("", 0, 500, GREEDY, endless=True)
    async with Engine(options, log=tmp_path / "worker.log") as engine:
        adapter = LoraAdapter(path)
        grew = await generate(engine, tiny, adapter, context=256, spec=spec)
        assert engine.info
        assert engine.info.context > 256
        large = await generate(engine, tiny, adapter, context=2048, spec=spec)
        alone = await generate(engine, tiny, context=2048, spec=spec)

    assert grew == large != alone


@pytest.mark.parametrize("kind", ["hybrid", "recurrent"])
async def test_models_that_keep_states_take_adapters(
    engine: Engine, request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    """An adapter of the feed-forward part or the projections changes their text, too."""
    model: Path = request.getfixturevalue(kind)
    matrices = ("ffn_down", "ffn_up") if kind == "hybrid" else ("ssm_out",)
    path = lora_files.write(tmp_path / "a.gguf", model, matrices=matrices, strength=0.1)

    assert await generate(engine, model, LoraAdapter(str(path))) != await generate(engine, model)


async def test_a_wrong_shape_is_refused_before_anything_is_loaded(
    engine: Engine, tiny: Path, tmp_path: Path
) -> None:
    """No weights are read, and the worker continues: the next load works."""
    wide = tiny_gguf.write(tmp_path / "wide.gguf", replace(tiny_gguf.Shape(), width=128))
    path = str(lora_files.write(tmp_path / "a.gguf", wide))
    shares: list[float] = []

    with pytest.raises(InvalidModelError, match="does not fit") as caught:
        await engine.load_model(tiny, lora=[LoraAdapter(path)], on_progress=shares.append)

    worker = engine.worker_pid
    assert (shares, engine.info) == ([], None)
    assert "--lora" in caught.value.remedy
    assert isinstance(await engine.load_model(wide, lora=[LoraAdapter(path)]), ModelInfo)
    assert engine.worker_pid == worker


async def test_what_llama_cpp_refuses_is_an_error(
    engine: Engine, tiny: Path, tmp_path: Path
) -> None:
    """With its reason; the worker continues without the adapter."""

    def add(writer: gguf.GGUFWriter) -> None:
        writer.add_uint32("some.key.1", 1)
        writer.add_uint32("some.key.2", 2)

    path = lora_files.write(tmp_path / "a.gguf", tiny, change=add)
    path.write_bytes(path.read_bytes().replace(b"some.key.2", b"some.key.1"))

    with pytest.raises(ModelLoadError, match=r"does not load the adapter .*key"):
        await engine.load_model(tiny, lora=[LoraAdapter(str(path))])

    worker = engine.worker_pid
    assert await generate(engine, tiny)
    assert engine.worker_pid == worker


async def test_a_missing_adapter_is_refused(engine: Engine, tiny: Path, tmp_path: Path) -> None:
    """The model is not loaded without it."""
    with pytest.raises(ModelNotFoundError, match=r"The adapter .* does not exist"):
        await engine.load_model(tiny, lora=[LoraAdapter(str(tmp_path / "none.gguf"))])
    assert engine.info is None


async def test_an_adapter_that_is_another_than_expected_is_refused(
    engine: Engine, tiny: Path, tmp_path: Path
) -> None:
    """So what a session's file says of it stays true."""
    path = str(lora_files.write(tmp_path / "a.gguf", tiny, seed=1))
    (known,) = (await engine.load_model(tiny, lora=[LoraAdapter(path)])).lora
    lora_files.write(Path(path), tiny, seed=2)

    with pytest.raises(InvalidModelError, match="has changed") as caught:
        await engine.load_model(tiny, lora=[known])

    assert "again" in caught.value.remedy


@pytest.mark.parametrize(
    ("model", "adapters", "expected"),
    [
        (None, [None], False),
        (None, [True], True),
        (False, [True], True),
        (True, [None], True),
        (True, [False], False),
        (None, [True, False], False),
        (None, [True, None], True),
    ],
)
async def test_an_adapter_says_whether_the_calculator_is_used(
    engine: Engine,
    tmp_path: Path,
    model: bool | None,
    adapters: list[bool | None],
    expected: bool,
) -> None:
    """Before the model's own file; of several adapters the last one that says so."""
    base = tiny_gguf.write(tmp_path / "m.gguf", calculator=model)
    lora = [
        LoraAdapter(str(lora_files.write(tmp_path / f"{n}.gguf", base, calculator=says)))
        for n, says in enumerate(adapters)
    ]

    assert (await engine.load_model(base, lora=lora)).calculator is expected


async def test_an_adapter_of_no_numbers_ends_the_turn_with_an_error(
    engine: Engine, tiny: Path, tmp_path: Path
) -> None:
    """The error says that what is computed are no numbers, and that an adapter may be to blame."""

    def add(writer: gguf.GGUFWriter) -> None:
        for part, shape in (("a", (2, 64)), ("b", (64, 2))):
            values = np.full(shape, np.nan, np.float32)
            writer.add_tensor(f"blk.0.attn_k.weight.lora_{part}", values)

    path = lora_files.write(tmp_path / "a.gguf", tiny, change=add)
    await engine.load_model(tiny, lora=[LoraAdapter(str(path))])
    await engine.open_turn(QUESTION)

    with pytest.raises(InvalidModelError, match="NaN or infinite logits") as caught:
        await grown(engine, [SPEC])

    assert "adapter" in caught.value.remedy


async def test_memory_of_adapters_is_counted(engine: Engine, tiny: Path, tmp_path: Path) -> None:
    """One of a tebibyte, nearly all of it a hole in the file, is refused before it is read."""
    rank = 1 << 32
    path = gguf_headers.write(
        tmp_path / "a.gguf",
        {"general.type": "adapter", "general.architecture": "qwen3", "adapter.type": "lora"},
        {f"{lora_files.QUERY}.lora_a": (64, rank), f"{lora_files.QUERY}.lora_b": (rank, 64)},
    )

    with pytest.raises(InsufficientMemoryError, match=r"weights 1\.1 TB"):
        await engine.load_model(tiny, lora=[LoraAdapter(str(path))])
