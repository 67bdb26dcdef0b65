"""A user without a home folder: no HOME, and no entry in the list of users."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rm_local import paths, settings
from rm_local.errors import HomeNotFoundError, SettingsError
from rm_local.home import expand_home_if_known, find_home
from rm_local.library import apps
from rm_local.library.hub.cache import get_hub_cache_folder
from rm_local.library.models import find_models
from rm_local.library.ollama import list_possible_ollama_roots
from rm_local.settings import Settings
from tests.support.blocked_folders import remove_home

FOLDERS: list[Callable[[], Path]] = [
    paths.config_file,
    paths.data_dir,
    paths.cache_dir,
    paths.log_dir,
    paths.sessions_dir,
    paths.worker_log,
    get_hub_cache_folder,
]


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """RM_LOCAL_HOME stays set."""
    remove_home(monkeypatch)


@pytest.mark.parametrize("home", ["relative", "./home"])
def test_a_home_has_to_be_a_whole_path(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files never go to a folder that depends on the working folder."""
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("USERPROFILE", home)

    assert find_home() is None


@pytest.mark.parametrize("path", ["~/m.gguf", "~nobody-of-that-name/m.gguf", "/m.gguf"])
@pytest.mark.usefixtures("no_home")
def test_a_path_at_an_unknown_home_stays_as_it_is(path: str) -> None:
    """It names no file then, which is said where the file is wanted."""
    assert expand_home_if_known(path) == Path(path)


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.usefixtures("no_home")
def test_rm_local_home_is_enough(folder: Callable[[], Path], own_home: Path) -> None:
    """Every folder is below it, the hub's cache too."""
    assert folder().is_relative_to(own_home)


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.usefixtures("no_home")
def test_without_it_there_is_no_folder(
    folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what to set."""
    monkeypatch.delenv("RM_LOCAL_HOME")

    with pytest.raises(HomeNotFoundError) as caught:
        folder()

    assert caught.value.message == "This user has no home folder."
    assert caught.value.remedy == "Set RM_LOCAL_HOME to a folder that can be written to."


@pytest.mark.usefixtures("no_home")
def test_settings_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no file to read; the environment still counts, and cannot name a home folder."""
    monkeypatch.delenv("RM_LOCAL_HOME")
    assert settings.load_settings() == Settings()
    assert paths.templates_dir() is None

    monkeypatch.setenv("RM_LOCAL_MODEL", "/m.gguf")
    assert settings.load_settings().model == Path("/m.gguf")
    monkeypatch.setenv("RM_LOCAL_MODEL", "~/m.gguf")
    with pytest.raises(SettingsError, match="RM_LOCAL_MODEL"):
        settings.load_settings()


@pytest.mark.parametrize("home", ["~/rm", "~", "~nobody-of-that-name/rm"])
@pytest.mark.usefixtures("no_home")
def test_rm_local_home_at_an_unknown_home_is_refused(
    home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No folder called `~` is made."""
    monkeypatch.setenv("RM_LOCAL_HOME", home)

    with pytest.raises(SettingsError, match="there is no such home folder"):
        paths.data_dir()


@pytest.mark.usefixtures("no_home")
def test_the_platforms_variables_are_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XDG's folders need no home."""
    if sys.platform != "linux":
        pytest.skip("XDG's variables are Linux's")
    monkeypatch.delenv("RM_LOCAL_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert paths.data_dir() == tmp_path / "rm-local"
    assert apps.list_possible_app_model_folders()["gpt4all"] == [tmp_path / "nomic.ai" / "GPT4All"]
    assert get_hub_cache_folder() == tmp_path / "huggingface" / "hub"


@pytest.mark.usefixtures("no_home")
def test_other_programs_folders_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that are below a home; the shipped models are listed."""
    for variable in ("OLLAMA_MODELS", "LLAMA_CACHE"):
        monkeypatch.delenv(variable, raising=False)

    assert not any(apps.list_possible_app_model_folders().values())
    assert all(root.is_relative_to("/usr/share") for root in list_possible_ollama_roots())
    assert apps.find_owning_app_or_empty(Path("/models/m.gguf")) == ""
    assert {model.place for model in find_models(Settings()).models} == {"shipped"}


@pytest.mark.usefixtures("no_home")
def test_a_folder_that_is_named_is_still_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OLLAMA_MODELS and LLAMA_CACHE need no home."""
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "ollama"))
    monkeypatch.setenv("LLAMA_CACHE", str(tmp_path / "llama"))

    assert list_possible_ollama_roots() == [tmp_path / "ollama"]
    assert apps.list_possible_app_model_folders()["llama.cpp"] == [tmp_path / "llama"]
