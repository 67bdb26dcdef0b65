"""Names are short, unique, and never come to mean another model unnoticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from rm_local.errors import ModelNotFoundError, UsageError
from rm_local.library.models import (
    ModelLibrary,
    derive_model_name_without_place,
    find_model_by_path_or_name,
    find_models,
    looks_like_model_path,
)
from rm_local.settings import Settings
from tests.support import gguf_headers
from tests.support.rm_small import remove_package


@pytest.fixture(autouse=True)
def no_rm_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """rm-nano is the only model that comes along, whatever is installed here."""
    remove_package(monkeypatch)


def library(folder: Path, *names: str) -> ModelLibrary:
    for number, name in enumerate(names):
        gguf_headers.write(folder / name, gguf_headers.model(rope__freq_base=number))
    return find_models(Settings(model_dirs=(folder,)))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Qwen3-4B-Q4_K_M.gguf", "qwen3-4b-q4_k_m"),
        ("Phi 4 (reasoning).gguf", "phi-4-reasoning-q4_k_m"),
        ("deep/ggml-model.gguf", "deep-ggml-model-q4_k_m"),
        ("großes Modell.gguf", "großes-modell-q4_k_m"),
        ("Модель-Q8.gguf", "модель-q8-q4_k_m"),
        ("通义千问-7B.gguf", "通义千问-7b-q4_k_m"),
        ("模型.gguf", "模型-q4_k_m"),
        ("E\u0301lan 7B.gguf", "élan-7b-q4_k_m"),
        ("हिन्दी.gguf", "हिन्दी-q4_k_m"),
        ("a\u202eb\u2009c.gguf", "a-b-c-q4_k_m"),
        ("--.gguf", "model-q4_k_m"),
    ],
)
def test_a_name_is_of_the_file_and_its_quantisation(tmp_path: Path, file: str, name: str) -> None:
    """Small letters, no blanks; a file that is only called model has its folder's name too."""
    assert library(tmp_path, file).models[1].name == name


def test_models_that_would_share_a_name_get_a_mark(tmp_path: Path) -> None:
    """Each gets a mark of its path, and the bare name means none of them."""
    found = library(tmp_path, "a/same.gguf", "b/same.gguf")
    names = [listed.name for listed in found.models[1:]]

    assert len(set(names)) == 2
    assert all(name.startswith("same-q4_k_m@folder-") for name in names)
    assert found.find_by_name_or_prefix(names[1]).model.path.parent.name == "b"
    with pytest.raises(UsageError, match="several"):
        found.find_by_name_or_prefix("same-q4_k_m")


def test_the_beginning_of_a_name_is_enough(tmp_path: Path) -> None:
    """As long as no other begins so; a whole name goes before the beginning of a longer one."""
    found = library(tmp_path, "qwen3-q4_k_m.gguf", "qwen3-q4_k_m-long.gguf", "phi.gguf")

    assert found.find_by_name_or_prefix("PHI").name == "phi-q4_k_m"
    assert found.find_by_name_or_prefix("qwen3-q4_k_m").name == "qwen3-q4_k_m"
    with pytest.raises(UsageError, match="several"):
        found.find_by_name_or_prefix("qwen3")


def test_an_unknown_name_gets_the_nearest_offered(tmp_path: Path) -> None:
    """The nearest are offered."""
    with pytest.raises(ModelNotFoundError) as raised:
        library(tmp_path, "qwen3-4b.gguf").find_by_name_or_prefix("qwen3-4b-q4_m")

    assert "Did you mean qwen3-4b-q4_k_m" in raised.value.remedy


def test_a_path_goes_before_a_name(tmp_path: Path) -> None:
    """What is a path, or can only be one, is read there."""
    path = gguf_headers.write(tmp_path / "m.gguf", gguf_headers.model())

    assert find_model_by_path_or_name(Settings(), str(path)).name == "m-q4_k_m"
    with pytest.raises(ModelNotFoundError, match="does not exist"):
        find_model_by_path_or_name(Settings(), "none/m.gguf")


@pytest.mark.parametrize(
    "wanted",
    ["Модель-Q8", "МОДЕЛЬ-q8-q4_k_m", "E\u0301LAN-7b", "\u00c9lan", "gro-es-modell-q4_k_m"],
)
def test_names_in_other_scripts_are_found(tmp_path: Path, wanted: str) -> None:
    """In any case and composition, and by a name with other letters replaced."""
    found = library(tmp_path, "Модель-Q8.gguf", "E\u0301lan-7B.gguf", "großes Modell.gguf")

    assert found.find_by_name_or_prefix(wanted)


@pytest.mark.parametrize("name", ["Модель-Q8", "deep/ggml-model", "Qwen3-4B-Q4_K_M"])
def test_a_model_has_one_name(tmp_path: Path, name: str) -> None:
    """Of its path, as in the list."""
    found = library(tmp_path, f"{name}.gguf").models[1]

    assert (
        derive_model_name_without_place(Settings(model_dirs=(tmp_path,)), found.model.path)
        == found.name
    )


@pytest.mark.parametrize("text", ["./rm-small", "a/rm-nano", "/rm-small", "~/x", "x.gguf"])
def test_a_path_is_no_name(text: str) -> None:
    """Whatever its last part is."""
    assert looks_like_model_path(text)
    assert not looks_like_model_path("rm-small")
