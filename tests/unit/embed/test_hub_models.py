"""An embedder is named by its dimension and the hash of its weights, and cut only as trained."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from rm_local.embed.hub_models import build_embedder_id, find_or_download_model_folder
from rm_local.errors import InvalidModelError, UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model of 8 dimensions, as sentence-transformers stores one."""
    _write(tmp_path / "modules.json", [{"path": ""}, {"path": "1_Pooling"}])
    _write(tmp_path / "config.json", {"hidden_size": 16})
    _write(tmp_path / "1_Pooling" / "config.json", {"word_embedding_dimension": 8})
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    return tmp_path


def test_the_identity_is_of_the_files(folder: Path) -> None:
    """The last module's dimension, and the sha256 of the weights."""
    found = build_embedder_id(folder, "mine")
    assert (found.id, found.dimension) == ("mine", 8)
    assert found.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert build_embedder_id(folder, "mine", 8) == found


def test_weights_in_parts_are_hashed_in_order(folder: Path) -> None:
    """By the order of their names."""
    (folder / "model.safetensors").unlink()
    for name, data in (("model-2.safetensors", b"ts"), ("model-1.safetensors", b"weigh")):
        (folder / name).write_bytes(data)
    assert build_embedder_id(folder, "mine").sha256 == hashlib.sha256(b"weights").hexdigest()


def test_only_a_model_trained_for_it_is_cut(folder: Path) -> None:
    """Its configuration lists the dimensions; another one is refused, naming them."""
    with pytest.raises(UsageError, match="no other"):
        build_embedder_id(folder, "mine", 4)
    _write(folder / "config.json", {"hidden_size": 16, "matryoshka_dimensions": [8, 4]})
    assert build_embedder_id(folder, "mine", 4).id == "mine@4"
    with pytest.raises(UsageError, match="4, 8"):
        build_embedder_id(folder, "mine", 3)


def test_a_folder_that_holds_no_model_is_refused(folder: Path, tmp_path: Path) -> None:
    """Neither dimension nor weights are guessed."""
    (folder / "model.safetensors").unlink()
    with pytest.raises(InvalidModelError, match="no weights"):
        build_embedder_id(folder, "mine")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidModelError, match="dimensions"):
        build_embedder_id(tmp_path / "empty", "mine")


def test_a_folder_is_its_own_model(folder: Path) -> None:
    """Nothing is asked of the network."""
    assert find_or_download_model_folder(folder) == folder


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")
