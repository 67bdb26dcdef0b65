"""What embeds many texts, with and without the extra `bulk`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from rm_local.embed import bulk, many_texts, registry, text_embedder, worker_bulk
from rm_local.errors import ModelNotFoundError
from tests.support.corpora import TinyEmbedder


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which embedder was opened, without loading it."""
    found: list[str] = []

    @contextmanager
    def open_worker(_: object) -> Iterator[TinyEmbedder]:
        found.append("llama.cpp")
        yield TinyEmbedder()

    def load(*_: object, **__: object) -> TinyEmbedder:
        found.append("sentence-transformers")
        return TinyEmbedder()

    monkeypatch.setattr(worker_bulk, "open_minilm_worker_embedder", open_worker)
    monkeypatch.setattr(bulk, "BulkEmbedder", load)
    return found


def set_installed(monkeypatch: pytest.MonkeyPatch, *, installed: bool) -> None:
    """The extra is there, or it is not."""
    for module in (many_texts, text_embedder):
        monkeypatch.setattr(module, "is_installed", lambda _: installed)


@pytest.mark.parametrize(("gpu", "used"), [(True, "sentence-transformers"), (False, "llama.cpp")])
def test_many_texts_are_embedded_by_torch_on_a_gpu_alone(
    monkeypatch: pytest.MonkeyPatch, opened: list[str], gpu: bool, used: str
) -> None:
    """Without a GPU llama.cpp is faster, so it embeds them although the extra is installed."""
    set_installed(monkeypatch, installed=True)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: gpu)
    with many_texts.open_text_embedder(None, many_texts.MANY_TEXTS):
        pass
    assert opened == [used]


def test_a_named_embedder_needs_no_gpu(monkeypatch: pytest.MonkeyPatch, opened: list[str]) -> None:
    """llama.cpp does not have it: sentence-transformers embeds with it on any machine."""
    set_installed(monkeypatch, installed=True)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    with many_texts.open_text_embedder("intfloat/e5", 1):
        pass
    assert opened == ["sentence-transformers"]


@pytest.mark.parametrize(("installed", "count"), [(True, 2), (False, 2), (False, 10**6)])
def test_few_texts_need_no_torch(
    monkeypatch: pytest.MonkeyPatch, opened: list[str], installed: bool, count: int
) -> None:
    """Nor do many, where it is not installed: it is not imported."""
    set_installed(monkeypatch, installed=installed)
    monkeypatch.setitem(sys.modules, "torch", None)
    with many_texts.open_text_embedder(None, count) as embedder:
        assert embedder.embed(["a", "b"]).shape == (2, 384)
    assert opened == ["llama.cpp"]


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize(
    ("installed", "count", "lines", "command"),
    [
        (True, 10**6, 0, False),
        (False, 1, 1, False),
        (False, 1999, 1, False),
        (False, 2000, 1, True),
    ],
)
def test_one_line_says_what_embeds(
    monkeypatch: pytest.MonkeyPatch, installed: bool, count: int, lines: int, command: bool
) -> None:
    """Without the extra; from thousands of texts it has the command that installs it."""
    set_installed(monkeypatch, installed=installed)
    said: list[str] = []
    with many_texts.open_text_embedder(None, count, notify=said.append):
        pass
    assert len(said) == lines
    assert all(f"llama.cpp embeds the entries ({count:,})" in each for each in said)
    assert any("pip install" in each for each in said) == command


@pytest.mark.parametrize("name", ["BAAI/bge-small-en-v1.5", "/no/folder", "intfloat/e5"])
def test_another_embedder_needs_the_extra(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Nothing is downloaded before that is known."""
    set_installed(monkeypatch, installed=False)
    with pytest.raises(ModelNotFoundError, match="needs the extra bulk") as caught:
        registry.find_or_download_embedder(name)
    assert 'pip install "rm-local[bulk]"' in caught.value.remedy
    with (
        pytest.raises(ModelNotFoundError, match="needs the extra bulk"),
        many_texts.open_text_embedder(name, 1),
    ):
        pass
    with pytest.raises(ModelNotFoundError, match="needs the extra bulk"):
        bulk.BulkEmbedder(name)


@pytest.mark.parametrize("name", ["minilm", "static"])
def test_the_shipped_embedders_need_no_extra(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """They are chosen without it."""
    set_installed(monkeypatch, installed=False)
    assert registry.find_or_download_embedder(name).known_words


@pytest.mark.parametrize("count", [0, 1, text_embedder.STEP, 2 * text_embedder.STEP + 1])
def test_steps_change_no_vector(count: int) -> None:
    """The rows are those of one call, and the progress ends at the number of texts."""
    embedder, done = TinyEmbedder(), [0]
    texts = [f"text {number}" for number in range(count)]
    rows = text_embedder.embed_in_steps(embedder, texts, done.append)
    assert rows.shape == (count, 384)
    assert count == 0 or np.array_equal(rows, embedder.embed(texts))
    assert done == sorted(done)
    assert done[-1] == count
