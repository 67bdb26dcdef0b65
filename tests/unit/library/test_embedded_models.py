"""Which embedded model runs, by name, by preference, and where rm-small is not installed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rm_local import paths, settings
from rm_local.engine.protocol import ModelInfo
from rm_local.errors import CancelledByUserError, EngineError, ModelNotFoundError
from rm_local.library import (
    RM_SMALL,
    choose_preferred_or_shipped_model,
    choose_settings_or_default_model,
    embedded_models,
    ensure_model_file,
    find_model_by_path_or_name,
    find_models,
    read_or_predict_model_headers,
    save_or_remove_model_setting,
)
from rm_local.loop.events import ModelLoading, Notice, RunEvent
from rm_local.paths import shipped_model
from rm_local.runtime import Runtime
from rm_local.settings import Settings
from tests.support.fake_runtime import FakeRuntime
from tests.support.rm_small import install_rm_small, remove_package

RM_NANO = Path("rm-nano")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The adapter of an installed rm-small."""
    return install_rm_small(tmp_path, monkeypatch)[1]


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """rm-small's package is not installed."""
    remove_package(monkeypatch)


@pytest.fixture
def prefer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Call it with the model that is to be preferred."""

    def prefer(model: Path) -> None:
        monkeypatch.setattr(embedded_models, "PREFERRED", model)

    return prefer


async def load(runtime: Runtime) -> tuple[ModelInfo, list[RunEvent]]:
    """Load the model: what was loaded, and the events."""
    watching = runtime.watch_events_between_turns()
    info = await runtime.load_model()
    await runtime.close()
    return info, [event async for event in watching]


def notices(events: list[RunEvent]) -> list[str]:
    """The texts of the notices."""
    return [event.text for event in events if isinstance(event, Notice)]


@pytest.mark.parametrize("is_installed", [True, False])
def test_rm_nano_is_preferred_in_silence(
    request: pytest.FixtureRequest, prefer: Callable[[Path], None], is_installed: bool
) -> None:
    """With that preference, rm-small does not run by itself, and nobody hears of it."""
    request.getfixturevalue("installed" if is_installed else "missing")
    prefer(RM_NANO)

    assert choose_preferred_or_shipped_model().model == shipped_model()
    assert choose_preferred_or_shipped_model().notice == ""
    assert Runtime(Settings()).model == shipped_model()


@pytest.mark.usefixtures("installed")
def test_rm_small_runs_where_it_is_preferred_and_installed(prefer: Callable[[Path], None]) -> None:
    """It needs not be prepared for that."""
    prefer(RM_SMALL)

    assert choose_preferred_or_shipped_model().model == RM_SMALL
    assert choose_preferred_or_shipped_model().notice == ""
    assert choose_settings_or_default_model(Settings()) == Runtime(Settings()).model == RM_SMALL
    assert choose_settings_or_default_model(Settings(model=RM_NANO)) == shipped_model()


@pytest.mark.usefixtures("missing")
async def test_rm_nano_runs_where_rm_small_is_preferred_and_missing(
    prefer: Callable[[Path], None],
) -> None:
    """One line says so, and how to install it."""
    prefer(RM_SMALL)

    runtime = Runtime(Settings())
    watching = runtime.watch_events_between_turns()
    await runtime.close()

    assert runtime.model == shipped_model()
    (text,) = notices([event async for event in watching])
    assert text.startswith("rm-nano is used instead of rm-small: ")
    assert 'pip install "rm-local[small]"' in text


@pytest.mark.usefixtures("missing")
async def test_a_model_that_is_named_needs_no_default(prefer: Callable[[Path], None]) -> None:
    """Nothing is said of one then."""
    prefer(RM_SMALL)

    runtime = Runtime(Settings(model=RM_NANO))
    watching = runtime.watch_events_between_turns()
    await runtime.close()

    assert notices([event async for event in watching]) == []


def test_the_choice_reads_no_file(
    installed: Path, prefer: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The app is drawn after it: it may look for files, but not into them."""
    prefer(RM_SMALL)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", refuse)
        patch.setattr(Path, "open", refuse)
        runtime = Runtime(Settings())

    assert runtime.model == RM_SMALL


@pytest.mark.usefixtures("installed")
async def test_rm_small_is_prepared_when_it_is_loaded() -> None:
    """With one notice and its progress; the engine gets the merged file."""
    runtime = FakeRuntime()
    runtime.model = RM_SMALL

    _, events = await load(runtime)

    (text,) = notices(events)
    shares = [event.share for event in events if isinstance(event, ModelLoading)]
    (path,) = runtime.engine.loads
    assert "rm-small is prepared once" in text
    assert shares[0] == 0.0
    assert len(shares) > 3 + 1  # more than the fake engine's own
    assert path == read_or_predict_model_headers(RM_SMALL).there[0][0]


@pytest.mark.usefixtures("missing")
async def test_rm_small_by_name_is_never_replaced() -> None:
    """Who asks for it gets it, or an error that says how to install it."""
    runtime = FakeRuntime()
    runtime.model = RM_SMALL

    with pytest.raises(ModelNotFoundError) as caught:
        await runtime.load_model()
    await runtime.close()

    assert "rm-local[small]" in caught.value.remedy


@pytest.mark.usefixtures("installed")
async def test_a_default_that_cannot_be_prepared_is_replaced(
    prefer: Callable[[Path], None], own_home: Path
) -> None:
    """rm-nano runs, and one line says why."""
    prefer(RM_SMALL)
    own_home.touch()
    plain = Runtime(Settings())
    runtime = FakeRuntime()
    runtime.model, runtime._uses_default = plain.model, plain._uses_default

    _, events = await load(runtime)

    assert runtime.engine.loads == [shipped_model()]
    (text,) = notices(events)
    assert "rm-nano is used instead of rm-small: " in text
    assert f"{own_home} is not a folder" in text


async def test_a_load_that_is_cancelled_ends_the_preparation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The thread that merges ends at its next report."""
    may_continue, ended = threading.Event(), threading.Event()

    def prepare(report: Callable[[float], None], _announce: object) -> Path:
        report(0.0)
        may_continue.wait()
        try:
            report(0.5)
        except CancelledByUserError:
            ended.set()
            raise
        return shipped_model()

    monkeypatch.setattr("rm_local.library.rm_small.ensure_rm_small_file", prepare)
    runtime = FakeRuntime()
    runtime.model = RM_SMALL
    watching = runtime.watch_events_between_turns()
    loading = asyncio.ensure_future(runtime.load_model())
    assert await anext(watching) == ModelLoading(0.0)

    loading.cancel()
    await asyncio.wait((loading,))
    may_continue.set()

    assert loading.cancelled()
    assert await asyncio.to_thread(ended.wait)
    assert runtime.engine.loads == []
    await runtime.close()


@pytest.mark.parametrize("name", settings.EMBEDDED_MODELS)
def test_settings_name_an_embedded_model(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the file as in RM_LOCAL_MODEL; with a folder before it, it is a file."""
    file = paths.config_file()
    file.parent.mkdir(parents=True)
    file.write_text(f'model = "{name}"\n', encoding="utf-8")
    assert settings.load_settings().model == Path(name)

    file.write_text(f'model = "./{name}"\n', encoding="utf-8")
    assert settings.load_settings().model == file.parent / name

    monkeypatch.setenv("RM_LOCAL_MODEL", name)
    assert settings.load_settings().model == Path(name)


@pytest.mark.usefixtures("installed")
def test_the_library_lists_it_before_its_first_use_as_after() -> None:
    """Under its name, after rm-nano; the settings' model is marked."""
    save_or_remove_model_setting(RM_SMALL)
    before = find_models(settings.load_settings())
    path = ensure_model_file(RM_SMALL, lambda _share: None, lambda _text: None)
    after = find_models(settings.load_settings())

    assert [listed.name for listed in before.models] == ["rm-nano-q8_0", "rm-small"]
    assert [listed.in_use for listed in before.models] == [False, True]
    assert before.models[1].model.files == ()
    assert after.models[1].model.files == (path,)
    assert before.missing == after.missing == ()
    assert find_model_by_path_or_name(Settings(), "rm-small").path_or_embedded_name == RM_SMALL


@pytest.mark.usefixtures("missing")
def test_the_library_says_what_is_not_installed() -> None:
    """And so does whoever asks for it by name."""
    library = find_models(Settings())

    (absent,) = library.missing
    assert absent.name == "rm-small"
    assert "rm-local[small]" in absent.remedy
    assert len(library.models) == 1
    with pytest.raises(ModelNotFoundError, match="not installed"):
        library.find_by_name_or_prefix("rm-small")
    with pytest.raises(ModelNotFoundError, match="not installed"):
        find_model_by_path_or_name(Settings(), "rm-small")


@pytest.mark.usefixtures("installed")
def test_a_cache_that_cannot_be_made_is_no_matter_for_a_list(own_home: Path) -> None:
    """It is an error when the merged file is wanted."""
    own_home.touch()

    assert find_models(Settings()).models[1].name == "rm-small"
    with pytest.raises(EngineError):
        ensure_model_file(RM_SMALL, lambda _share: None, lambda _text: None)
