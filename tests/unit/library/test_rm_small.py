"""rm-small is merged into the cache once, and the cache holds one file of it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from rm_local import paths
from rm_local.errors import (
    CancelledByUserError,
    EngineError,
    HomeNotFoundError,
    InvalidModelError,
    ModelNotFoundError,
)
from rm_local.gguf import check_file_complete, read_header
from rm_local.library import RM_SMALL_METADATA, rm_small, smollm2
from rm_local.library.model_file import build_model_description
from rm_local.library.rm_small import ensure_rm_small_file, find_rm_small_paths
from tests.support.faults.steps import count_steps, is_killed_at
from tests.support.random_adapters import make_factors, write_adapter
from tests.support.rm_small import install_rm_small


@pytest.fixture
def adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The adapter of an installed rm-small whose base is tiny."""
    return install_rm_small(tmp_path, monkeypatch)[1]


def prepare() -> tuple[Path, list[str]]:
    """The merged file, and what was announced."""
    announced: list[str] = []
    return ensure_rm_small_file(lambda _share: None, announced.append), announced


def cached() -> list[str]:
    """Names of rm-small's files in the cache, but for the lock."""
    return sorted(path.name for path in paths.cache_dir().glob("rm-small-*"))


@pytest.mark.usefixtures("adapter")
def test_the_file_is_made_once() -> None:
    """The first call says so, with size and folder; the second only finds it."""
    path, announced = prepare()
    again = prepare()

    assert path.parent == paths.cache_dir()
    assert cached() == [path.name]
    check_file_complete(path, read_header(path))
    (text,) = announced
    assert str(path.parent) in text
    assert "once" in text
    assert again == (path, [])


@pytest.mark.usefixtures("adapter")
def test_nothing_is_written_by_looking() -> None:
    """What is listed before the first use is what it will be."""
    predicted = find_rm_small_paths().read_or_predict_headers()
    assert not paths.cache_dir().exists()
    assert not find_rm_small_paths().is_merged_file_complete

    path, _ = prepare()
    made = find_rm_small_paths().read_or_predict_headers()

    assert find_rm_small_paths().is_merged_file_complete
    before, after = (build_model_description(path, each) for each in (predicted, made))
    same = (
        "title",
        "kind",
        "quantisation",
        "weight_bytes",
        "total_layer_bytes",
        "trained_context",
        "template",
        "shape",
    )
    assert [getattr(before, each) for each in same] == [getattr(after, each) for each in same]
    assert before.title == "rm-small"


def test_a_new_adapter_gives_a_new_file(adapter: Path) -> None:
    """And the old one is removed."""
    old, _ = prepare()
    factors = make_factors(smollm2.find_smollm2_file(), seed=1)
    write_adapter(adapter, factors, trained_on=smollm2.SMOLLM2_SHA256)

    new, announced = prepare()

    assert new != old
    assert len(announced) == 1
    assert cached() == [new.name]


@pytest.mark.parametrize("change", ["metadata", "base", "format"])
def test_each_part_changes_the_name(
    adapter: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """The name depends on all that the content depends on."""
    old = find_rm_small_paths().target
    if change == "metadata":
        monkeypatch.setitem(RM_SMALL_METADATA, "general.sampling.temp", 0.9)
    elif change == "base":
        monkeypatch.setattr(smollm2, "SMOLLM2_SHA256", "0" * 64)
    else:
        monkeypatch.setattr(rm_small, "_FORMAT", 2)

    assert find_rm_small_paths().target != old


@pytest.mark.usefixtures("adapter")
def test_what_others_left_in_the_cache_stays() -> None:
    """Only rm-small's own files are removed."""
    paths.cache_dir().mkdir(parents=True)
    (paths.cache_dir() / "rm-smaller.gguf").touch()
    (paths.cache_dir() / "rm-small-0.gguf.1234abcd.part").touch()

    path, _ = prepare()

    assert cached() == [path.name]
    assert (paths.cache_dir() / "rm-smaller.gguf").exists()


@pytest.mark.usefixtures("adapter")
def test_a_file_that_is_cut_short_is_made_again() -> None:
    """As a failing disk leaves it."""
    path, _ = prepare()
    whole = path.read_bytes()
    os.truncate(path, len(whole) // 2)

    assert prepare()[0] == path
    assert path.read_bytes() == whole


@pytest.mark.usefixtures("adapter")
def test_a_cache_that_cannot_be_written_is_enough_once_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file that is there is used without a lock or a write."""
    path, _ = prepare()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr("filelock.FileLock.acquire", refuse)

    assert prepare() == (path, [])


def test_a_cache_that_cannot_be_made_is_an_error(adapter: Path, own_home: Path) -> None:
    """The message names what is in the way, and what to do."""
    own_home.touch()

    with pytest.raises(EngineError, match=f"{own_home} is not a folder") as caught:
        prepare()

    assert "RM_LOCAL_HOME" in caught.value.remedy


def test_a_missing_home_folder_is_an_engine_error(
    adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an error of the model, not of the settings."""

    def fail() -> Path:
        raise HomeNotFoundError("This user has no home folder.", paths.SET_HOME)

    monkeypatch.setattr(paths, "cache_dir", fail)

    with pytest.raises(EngineError, match="no home folder") as caught:
        prepare()

    assert caught.value.exit_code == 3
    assert caught.value.remedy == paths.SET_HOME


@pytest.mark.usefixtures("adapter")
def test_a_disk_without_room_is_found_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The message has what is needed and what is free."""
    monkeypatch.setattr("rm_local.disk_space.count_free_bytes", lambda _path: 1_000)

    with pytest.raises(EngineError, match=r"1\.0 KB are free") as caught:
        prepare()

    assert caught.value.remedy
    assert cached() == []


@pytest.mark.usefixtures("adapter")
def test_a_disk_that_fills_up_meanwhile_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said in words, and nothing is left."""

    def fill(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rm_local.gguf.lora_merge.sync_file", fill)

    with pytest.raises(EngineError, match=r"the disk of .* is full"):
        prepare()

    assert cached() == []


def test_an_adapter_of_another_base_is_refused(adapter: Path) -> None:
    """Its shapes fit, but it says what it was trained on."""
    write_adapter(adapter, make_factors(smollm2.find_smollm2_file()), trained_on="0" * 64)

    with pytest.raises(InvalidModelError, match="was not trained on"):
        prepare()

    assert cached() == []


def test_a_base_that_is_not_the_published_one_is_refused(
    adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its hash is compared before it is merged."""
    monkeypatch.setattr(smollm2, "SMOLLM2_SHA256", "0" * 64)

    with pytest.raises(InvalidModelError, match="0" * 64):
        prepare()


def test_a_damaged_adapter_is_refused(adapter: Path) -> None:
    """Nothing of the merge is left."""
    os.truncate(adapter, adapter.stat().st_size - 100)

    with pytest.raises(InvalidModelError, match="cut short"):
        prepare()

    assert cached() == []


def test_a_missing_adapter_is_named(adapter: Path) -> None:
    """As rm-local itself is not whole then, the remedy is to install it again."""
    adapter.unlink()

    with pytest.raises(ModelNotFoundError, match=adapter.name) as caught:
        prepare()

    assert "again" in caught.value.remedy


@pytest.mark.usefixtures("adapter")
def test_it_can_be_stopped() -> None:
    """In the middle; the next call makes it whole."""

    def stop(share: float) -> None:
        if share > 0.5:
            raise CancelledByUserError("Not needed any more.")

    with pytest.raises(CancelledByUserError):
        ensure_rm_small_file(stop, lambda _text: None)
    assert cached() == []

    path, announced = prepare()
    assert cached() == [path.name]
    assert len(announced) == 1


@pytest.mark.usefixtures("adapter")
def test_a_wait_for_another_process_can_be_stopped() -> None:
    """While someone else holds the lock."""
    paths.cache_dir().mkdir(parents=True)

    def stop(_share: float) -> None:
        raise CancelledByUserError("Not needed any more.")

    with (
        FileLock(paths.cache_dir() / "rm-small.lock", thread_local=False),
        pytest.raises(CancelledByUserError),
    ):
        ensure_rm_small_file(stop, lambda _text: None)


@pytest.mark.usefixtures("adapter")
def test_of_several_at_once_one_makes_it() -> None:
    """The others wait for it, and all get the same file."""
    found: list[tuple[Path, list[str]]] = []
    threads = [threading.Thread(target=lambda: found.append(prepare())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({path for path, _ in found}) == 1
    assert sum(len(announced) for _, announced in found) == 1


@pytest.mark.usefixtures("adapter")
def test_a_kill_at_any_step_leaves_no_half_file() -> None:
    """Under its name is then the whole file or nothing, and the next call needs no repair."""
    whole = prepare()[0].read_bytes()

    def work() -> None:
        for path in paths.cache_dir().glob("rm-small-*.gguf"):
            path.unlink()
        prepare()

    steps = count_steps("call", work)
    for step in range(steps // 12, steps * 11 // 12, steps // 12):
        assert is_killed_at("call", step, work)
        for path in paths.cache_dir().glob("rm-small-*.gguf"):
            assert path.read_bytes() == whole
        path, _ = prepare()
        assert path.read_bytes() == whole
        assert cached() == [path.name]
