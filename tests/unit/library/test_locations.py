"""Models are found where each program keeps them, in place, and each once."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from rm_local import paths
from rm_local.library import added, scan
from rm_local.library.apps import find_owning_app_or_empty
from rm_local.library.models import ModelLibrary, derive_model_name_without_place, find_models
from rm_local.settings import Settings
from tests.support import gguf_headers

HEX = "ab" * 32


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any program in it, nor the variables that would lead out of it."""
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "OLLAMA_MODELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("LLAMA_CACHE", raising=False)
    return tmp_path / "home"


def found(**wanted: object) -> ModelLibrary:
    """What is found, but for the shipped model."""
    library = find_models(Settings(**wanted))  # type: ignore[arg-type]
    kept = tuple(each for each in library.models if each.place != "shipped")
    return ModelLibrary(kept, library.notes)


def named(library: ModelLibrary) -> list[tuple[str, str]]:
    return [(listed.name, listed.place) for listed in library.models]


def gguf(path: Path) -> Path:
    return gguf_headers.write(path, gguf_headers.model())


def test_the_hugging_face_cache_is_searched(home: Path, tmp_path: Path) -> None:
    """Snapshots are read under their own names; revisions that share a blob are one model."""
    repo = tmp_path / "home/cache/huggingface/hub/models--Qwen--Qwen3-4B-GGUF"
    blob = gguf(repo / "blobs" / HEX)
    for revision in ("1" * 40, "2" * 40):
        folder = repo / "snapshots" / revision
        folder.mkdir(parents=True)
        (folder / "Qwen3-4B-Q4_K_M.gguf").symlink_to(blob)
        (folder / "gone.gguf").symlink_to(repo / "blobs" / "gone")

    library = found()

    assert named(library) == [("qwen3-4b-q4_k_m", "hugging-face")]
    assert library.models[0].model.path.name == "Qwen3-4B-Q4_K_M.gguf"
    assert not library.notes


@pytest.mark.parametrize("variable", ["HF_HUB_CACHE", "HF_HOME"])
def test_the_hugging_face_cache_is_found_by_its_variables(
    variable: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HF_HUB_CACHE is the cache itself, HF_HOME the folder above it."""
    monkeypatch.setenv(variable, str(tmp_path / "hf"))
    hub = tmp_path / "hf" / ("hub" if variable == "HF_HOME" else "")
    gguf(hub / "models--org--Tiny-GGUF" / "snapshots" / "1" / "model.gguf")

    assert named(found()) == [("tiny-gguf-model-q4_k_m", "hugging-face")]


def ollama(root: Path, name: str, tag: str, content: object) -> None:
    manifest = root / "manifests" / "registry.ollama.ai" / "library" / name / tag
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(
        content if isinstance(content, str) else json.dumps(content), encoding="utf-8"
    )


def layers(digest: str) -> dict[str, object]:
    return {
        "schemaVersion": 2,
        "layers": [
            {"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:00"},
            {"mediaType": "application/vnd.ollama.image.model", "digest": digest},
        ],
    }


@pytest.mark.parametrize("where", ["default", "variable"])
def test_models_of_ollama_are_found(
    where: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A manifest's model layer names the blob; two tags of one blob are one model."""
    root = home / ".ollama" / "models"
    if where == "variable":
        root = tmp_path / "elsewhere"
        monkeypatch.setenv("OLLAMA_MODELS", str(root))
    gguf(root / "blobs" / f"sha256-{HEX}")
    ollama(root, "qwen3", "4b", layers(f"sha256:{HEX}"))
    ollama(root, "qwen3", "latest", layers(f"sha256:{HEX}"))

    assert named(found()) == [("qwen3-4b-q4_k_m", "ollama")]


def test_the_model_of_the_settings_keeps_the_name_of_its_place(home: Path) -> None:
    """In the list and wherever its file is named, not that of Ollama's blob."""
    blob = gguf(home / ".ollama" / "models" / "blobs" / f"sha256-{HEX}")
    ollama(home / ".ollama" / "models", "qwen3", "4b", layers(f"sha256:{HEX}"))

    (listed,) = found(model=blob).models

    assert (listed.name, listed.place, listed.in_use) == ("qwen3-4b-q4_k_m", "ollama", True)
    assert derive_model_name_without_place(Settings(model=blob), blob) == listed.name


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"layers": 7}', '{"layers": [7]}', layers("sha256:../../x"), layers("7")],
)
def test_manifests_that_make_no_sense_are_skipped(content: object, home: Path) -> None:
    """They are skipped, and lead to no file outside the store."""
    ollama(home / ".ollama" / "models", "bad", "1b", content)

    assert found().models == ()


@pytest.mark.parametrize("place", [".lmstudio/models", ".cache/lm-studio/models"])
def test_models_of_lm_studio_are_found(place: str, home: Path) -> None:
    """The new and the old one; folders below are publisher and repository."""
    gguf(home / place / "org" / "Tiny-GGUF" / "Tiny-Q4_K_M.gguf")

    assert named(found()) == [("tiny-q4_k_m", "lm-studio")]


def test_the_settings_of_lm_studio_are_followed(home: Path, tmp_path: Path) -> None:
    """Its settings may name another folder, and a pointer another home."""
    (home / ".lmstudio-home-pointer").write_text(str(tmp_path / "lms"), encoding="utf-8")
    (tmp_path / "lms").mkdir()
    content = json.dumps({"downloadsFolder": str(tmp_path / "big")})
    (tmp_path / "lms" / "settings.json").write_text(content, encoding="utf-8")
    gguf(tmp_path / "big" / "one-q4_k_m.gguf")
    gguf(tmp_path / "lms" / "models" / "two-q4_k_m.gguf")

    assert {name for name, _ in named(found())} == {"one-q4_k_m", "two-q4_k_m"}


@pytest.mark.skipif(sys.platform != "linux", reason="the folders are Linux's")
@pytest.mark.parametrize(
    ("folder", "place"),
    [
        ("cache/llama.cpp", "llama.cpp"),
        ("data/nomic.ai/GPT4All", "gpt4all"),
        ("jan/models/tiny", "jan"),
        ("config/Jan/data/llamacpp/models/tiny", "jan"),
    ],
)
def test_models_of_other_programs_are_found(folder: str, place: str, home: Path) -> None:
    """llama.cpp's cache, GPT4All and Jan, where they keep their files on Linux."""
    path = gguf(home / folder / "tiny-q4_k_m.gguf")

    assert named(found()) == [("tiny-q4_k_m", place)]
    assert find_owning_app_or_empty(path) == place


def test_the_cache_of_llama_cpp_is_found_by_its_variable(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LLAMA_CACHE goes before the platform's folder."""
    monkeypatch.setenv("LLAMA_CACHE", str(tmp_path / "llama"))
    gguf(tmp_path / "llama" / "tiny-q4_k_m.gguf")

    assert named(found()) == [("tiny-q4_k_m", "llama.cpp")]


def test_folders_of_the_settings_and_added_ones_are_searched(home: Path, tmp_path: Path) -> None:
    """Both are searched to the bottom; an added file is itself; what is gone is reported."""
    gguf(tmp_path / "one" / "a" / "b" / "one-q4_k_m.gguf")
    two = gguf(tmp_path / "two" / "two-q4_k_m.GGUF")
    gguf(tmp_path / "three" / "three-q4_k_m.gguf")
    for path in (two, tmp_path / "three", tmp_path / "gone"):
        added.add_model(path)

    library = found(model_dirs=(tmp_path / "one", tmp_path / "none"))

    assert named(library) == [
        ("two-q4_k_m", "added"),
        ("three-q4_k_m", "added"),
        ("one-q4_k_m", "folder"),
    ]
    assert "no longer exists" in library.notes[0]
    assert "none, one of the settings'" in library.notes[1]


def test_the_model_in_use_is_listed_wherever_it_is_stored(home: Path, tmp_path: Path) -> None:
    """A path in the settings is enough."""
    path = gguf(tmp_path / "mine-q4_k_m.gguf")

    (listed,) = found(model=path).models

    assert (listed.name, listed.place, listed.in_use) == ("mine-q4_k_m", "settings", True)


def test_links_in_a_circle_end(home: Path, tmp_path: Path) -> None:
    """A folder that links to one above it is entered once."""
    gguf(tmp_path / "tree" / "a-q4_k_m.gguf")
    (tmp_path / "tree" / "again").symlink_to(tmp_path / "tree")
    (tmp_path / "tree" / "deep").mkdir()
    (tmp_path / "tree" / "deep" / "up").symlink_to(tmp_path / "tree")

    assert len(found(model_dirs=(tmp_path / "tree",)).models) == 1


def test_a_huge_folder_is_cut_off(tmp_path: Path) -> None:
    """Only so many entries are looked at, and that is said."""
    for number in range(30):
        gguf(tmp_path / f"{number:02}.gguf")
    notes: list[str] = []

    files = [*scan.find_gguf_files(tmp_path, notes.append, most=10)]

    assert len(files) == 10
    assert "more than 10 files" in notes[0]


def test_what_cannot_be_read_is_skipped(home: Path, tmp_path: Path) -> None:
    """A file that is no GGUF, a broken list of added ones, a file of folders: notes, no errors."""
    folder = tmp_path / "models"
    gguf(folder / "good-q4_k_m.gguf")
    (folder / "bad.gguf").write_bytes(b"PK")
    (folder / "cut.gguf").write_bytes((folder / "good-q4_k_m.gguf").read_bytes()[:50])
    (home / ".lmstudio").write_text("a file where a folder should be", encoding="utf-8")
    paths.data_dir().mkdir(parents=True)
    added.get_added_models_path().write_text("[", encoding="utf-8")

    library = found(model_dirs=(folder,))

    assert named(library) == [("good-q4_k_m", "folder")]
    assert len(library.notes) == 3
