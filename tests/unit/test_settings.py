"""Settings: defaults, the file, the environment, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from rm_local import paths, settings
from rm_local.errors import SettingsError
from rm_local.lora import LoraAdapter
from rm_local.settings import Settings


def write(text: str) -> Path:
    """The settings file with this text."""
    path = paths.config_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_hold_without_a_settings_file() -> None:
    """No settings file is needed, and none is made."""
    assert settings.load_settings() == Settings()
    assert not paths.config_file().exists()


def test_every_setting_can_be_set() -> None:
    """Each key of the file lands in the field of its name; paths are relative to the file."""
    path = write(
        'model = "my.gguf"\nstores = ["stores/my.rms", "/b.rms"]\ncontext = 8192\nthreads = 4\n'
        'gpu_layers = 0\nplan = "length-vote"\ntheme = "nord"\nmodel_dirs = ["here", "/there"]\n'
        'flash_attention = "on"\nkv_cache_type = "q8_0"\ncontext_overflow = "drop_oldest"\n'
        "check_memory = false\nidle_unload_minutes = 2.5\nthinking = false\nend_loops = false\n"
        "repeat_penalty = 1.1\ndry = 0.8\n"
        'lora = ["a.gguf", "/b:c.gguf:0.5", "unused.gguf:0"]\n'
    )

    assert settings.load_settings() == Settings(
        model=path.parent / "my.gguf",
        stores=(path.parent / "stores" / "my.rms", Path("/b.rms")),
        lora=(LoraAdapter(str(path.parent / "a.gguf")), LoraAdapter("/b:c.gguf", 0.5)),
        context=8192,
        threads=4,
        gpu_layers=0,
        plan="length-vote",
        theme="nord",
        idle_unload_minutes=2.5,
        thinking=False,
        model_dirs=(path.parent / "here", Path("/there")),
        flash_attention="on",
        kv_cache_type="q8_0",
        context_overflow="drop_oldest",
        check_memory=False,
        end_loops=False,
        repeat_penalty=1.1,
        dry=0.8,
    )


def test_a_path_may_begin_at_home_or_at_the_root(tmp_path: Path) -> None:
    """`~` is the home folder, and an absolute path stays what it is."""
    absolute = (tmp_path / "a.rms").as_posix()
    write(f'model = "~/m.gguf"\nstores = ["{absolute}"]\n')

    loaded = settings.load_settings()

    assert loaded.model == Path("~/m.gguf").expanduser()
    assert loaded.stores == (Path(absolute),)


def test_adapters_belong_to_the_model_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where RM_LOCAL_MODEL names another they are left out; RM_LOCAL_STORE does not matter."""
    write('model = "m.gguf"\nlora = ["a.gguf"]\n')
    monkeypatch.setenv("RM_LOCAL_STORE", "other.rms")
    kept = settings.load_settings().lora
    monkeypatch.setenv("RM_LOCAL_MODEL", "other.gguf")

    assert len(kept) == 1
    assert settings.load_settings().lora == ()


def test_the_environment_goes_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """RM_LOCAL_MODEL and RM_LOCAL_STORE win; an empty one does not count."""
    write('model = "file.gguf"\nstores = ["file.rms"]\n')
    monkeypatch.setenv("RM_LOCAL_MODEL", "/models/env.gguf")
    monkeypatch.setenv("RM_LOCAL_STORE", "")

    loaded = settings.load_settings()

    assert loaded.model == Path("/models/env.gguf")
    assert loaded.stores == (paths.config_file().parent / "file.rms",)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("modle = 'a'", ["'modle'", "model, stores, lora, context"]),
        ("context = 'big'", ["context = 'big'", "a whole number from 0 to"]),
        ("context = true", ["context = True", "a whole number"]),
        ("threads = -1", ["threads = -1", "from 0 to"]),
        ("gpu_layers = -2", ["gpu_layers = -2", "from -1 to"]),
        ("idle_unload_minutes = -1", ["idle_unload_minutes = -1", "a number from 0 to"]),
        ("idle_unload_minutes = nan", ["idle_unload_minutes = nan", "a number"]),
        ("repeat_penalty = 0.9", ["repeat_penalty = 0.9", "a number from 1 to 2"]),
        ("dry = -1", ["dry = -1", "a number from 0 to 5"]),
        ("end_loops = 1", ["end_loops = 1", "true or false"]),
        ("thinking = 'no'", ["thinking = 'no'", "true or false"]),
        ("plan = ''", ["plan = ''", "a name"]),
        ("model_dirs = 'a'", ["model_dirs = 'a'", "a list of folders"]),
        ("theme = 7", ["theme = 7", "a name"]),
        ("flash_attention = true", ["flash_attention = True", "one of auto, on, off"]),
        ("kv_cache_type = 'q9'", ["kv_cache_type = 'q9'", "one of f16, q8_0"]),
        (
            "context_overflow = 'burst'",
            ["context_overflow = 'burst'", "one of stop, drop_oldest, grow"],
        ),
        ("check_memory = 1", ["check_memory = 1", "true or false"]),
        (
            "kv_cache_type = 'q8_0'\nflash_attention = 'off'",
            ["needs flash attention", 'kv_cache_type = "f16"'],
        ),
        ("lora = 'a.gguf'", ["lora = 'a.gguf'", "a list of texts"]),
        ("lora = [7]", ["lora = [7]", "a list of texts"]),
        ("lora = ['a.gguf:inf']", ["lora: the scale of 'a.gguf:inf'", "FILE:SCALE"]),
        ("lora = ['']", ["lora: '' names no file", "FILE:SCALE"]),
        ("stores = ['a.rms', 7]", ["stores = ['a.rms', 7]", "a list of files"]),
        ("stores = ['']", ["stores = ['']", "a list of files"]),
        ("stores = 7", ["stores = 7", "a list of files"]),
        ("model = 7", ["model = 7", "the path of a file"]),
        ("model = ", ["is not TOML", "line 1"]),
    ],
)
def test_what_is_no_setting_is_refused(line: str, words: list[str]) -> None:
    """The error names the file, the key and what is allowed, and has exit code 2."""
    path = write(f"{line}\n")

    with pytest.raises(SettingsError) as raised:
        settings.load_settings()

    assert raised.value.exit_code == 2
    for word in [str(path), *words]:
        assert word in str(raised.value)


def test_a_file_that_is_asked_for_has_to_be_there(tmp_path: Path) -> None:
    """Only the file at its usual place may be missing."""
    with pytest.raises(SettingsError, match="cannot be read"):
        settings.load_settings(tmp_path / "none.toml")


def test_a_file_that_is_no_text_is_refused() -> None:
    """Bytes that are no UTF-8 are an error with a remedy, not a traceback."""
    write("").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(SettingsError, match="cannot be read"):
        settings.load_settings()


def test_rm_local_home_holds_everything(own_home: Path) -> None:
    """Under RM_LOCAL_HOME nothing is stored anywhere else."""
    for path in (
        paths.config_file(),
        paths.data_dir(),
        paths.cache_dir(),
        paths.log_dir(),
        paths.sessions_dir(),
        paths.worker_log(),
    ):
        assert path.is_relative_to(own_home)


def test_without_rm_local_home_the_platform_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each folder is named after rm-local, and config, data and cache are apart."""
    monkeypatch.delenv("RM_LOCAL_HOME")

    folders = [paths.config_file().parent, paths.data_dir(), paths.cache_dir()]

    assert all("rm-local" in folder.parts for folder in folders)
    assert paths.cache_dir() != paths.data_dir()


def test_shipped_files_are_found_in_the_wheel_or_in_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file next to the package's code goes before the checkout's."""
    package = tmp_path / "rm_local"
    monkeypatch.setattr(paths, "PACKAGE", package)
    assert paths.shipped_model() == tmp_path / "models" / "rm-nano-q8_0.gguf"

    (package / "shipped").mkdir(parents=True)
    (package / "shipped" / "seed.rms").touch()

    assert paths.shipped_store() == package / "shipped" / "seed.rms"
    assert paths.shipped_model() == tmp_path / "models" / "rm-nano-q8_0.gguf"


def test_a_user_without_a_home_has_no_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is given no folder, and not one of the name None."""
    monkeypatch.setattr(settings, "templates_dir", lambda: None)

    assert Settings().build_engine_options().templates == ""
