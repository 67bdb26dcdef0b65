"""The checks of `rm-local doctor`: each examines one part of the installation."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rm_local import __version__, paths
from rm_local.active_stores import find_own_store, list_active_stores, name_stores
from rm_local.cli.devices import build_placement_request, parse_usable_gpus
from rm_local.cli.subprocess_json import run_json_module
from rm_local.cli.terminal import (
    CANNOT_DRAW,
    describe_term_variable,
    does_term_support_escape_codes,
    is_terminal,
)
from rm_local.engine import (
    AdaptedModelSizes,
    Device,
    check_fits_memory,
    estimate_memory,
    plan_placement,
)
from rm_local.errors import (
    EngineError,
    HomeNotFoundError,
    InsufficientMemoryError,
    RmLocalError,
    SettingsError,
)
from rm_local.extras import Extra, format_install_command, is_installed
from rm_local.folders import find_write_obstacle_or_empty
from rm_local.gguf import (
    GgufHeader,
    LoraHeader,
    check_file_complete,
    check_is_text_model,
    read_and_check_adapter_headers,
)
from rm_local.library import (
    RM_SMALL,
    choose_preferred_or_shipped_model,
    choose_settings_or_default_model,
    derive_model_name_without_place,
    read_or_predict_model_headers,
)
from rm_local.settings import Settings
from rm_local.system import measure_free_memory
from rm_local.units import format_bytes

Level = Literal["ok", "warn", "bad"]

SMALL_MEMORY = 2_000_000_000
"""Free memory in bytes below which only rm-nano can be expected to run."""
USER_EXTRAS: tuple[Extra, ...] = ("bulk", "math", "small")
REINSTALL = "python -m pip install --force-reinstall --no-deps {}"
VECTORS = {"x86_64": "AVX2", "amd64": "AVX2", "arm64": "NEON", "aarch64": "NEON"}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check of the installation, for output as a line or as JSON."""

    name: str
    """Name of the part that was checked."""
    level: Level
    found: str
    """What was found, as text."""
    remedy: str = ""
    """What the user can do about a problem; empty if nothing."""


def run_checks(wanted: Settings) -> Iterator[CheckResult]:
    """Run all checks of the installation under the settings `wanted`, and yield their results."""
    yield _report_python_version()
    yield _check_sqlite_libraries()
    engine = run_json_module("rm_local.engine.worker.build_info")
    yield from _check_engine_and_devices(engine)
    yield _check_free_memory()
    yield _report_default_model()
    yield from _check_model_and_memory_fit(wanted, parse_usable_gpus(engine))
    yield _check_minilm_model_file()
    yield _report_installed_extras()
    yield from _check_stores(wanted.stores)
    yield from _check_folders()
    yield _check_terminal()


def _report_python_version() -> CheckResult:
    """Report the versions of Python and rm-local; always ok."""
    found = f"{platform.python_version()} ({sys.executable}), rm-local {__version__}"
    return CheckResult("Python", "ok", found)


def _check_sqlite_libraries() -> CheckResult:
    """Check SQLite and the extensions that the store loads into it."""
    versions = run_json_module("rm_local.store.sqlite.library_versions")
    if isinstance(versions, str):
        return CheckResult("SQLite", "bad", versions, REINSTALL.format("apsw sqlite-vec zstandard"))
    found = "{sqlite} (apsw {apsw}), sqlite-vec {sqlite_vec}, zstandard {zstandard}"
    return CheckResult("SQLite", "ok", found.format(**versions))


def _check_engine_and_devices(report: dict[str, Any] | str) -> Iterator[CheckResult]:
    """Check the build of llama.cpp, and list its devices.

    `report` is that of `build_info`, or the reason why it could not be made.
    """
    if isinstance(report, str):
        rebuild = REINSTALL.format("--no-cache-dir llama-cpp-python==0.3.36")
        yield CheckResult("llama.cpp", "bad", report, f"Build it on this machine: {rebuild}")
        return
    features = report["features"]
    found = f"llama-cpp-python {report['version']}, ggml {report['ggml']}: {' '.join(features)}"
    wanted = VECTORS.get(platform.machine().lower())
    if wanted and wanted not in features:
        rebuild = REINSTALL.format("--no-cache-dir llama-cpp-python==0.3.36")
        yield CheckResult("llama.cpp", "warn", f"{found}; slow without {wanted}", f"Try: {rebuild}")
    else:
        yield CheckResult("llama.cpp", "ok", found)
    devices = [_describe_device(Device(**each)) for each in report["devices"]]
    offload = "" if report["offload"] else " (this build uses no GPU)"
    yield CheckResult("Devices", "ok", "; ".join(devices) + offload)


def _describe_device(device: Device) -> str:
    """Describe a device in words, with its memory; for a GPU with its free memory, too."""
    free = f"{format_bytes(device.free)} free of " if device.kind == "gpu" else ""
    return f"{device.name}: {device.about}, {free}{format_bytes(device.total)}"


def _check_free_memory() -> CheckResult:
    """Check that at least SMALL_MEMORY is free; unknown free memory is ok."""
    free = measure_free_memory()
    if free is None:
        return CheckResult("Memory", "ok", "this system does not report how much is free")
    if free < SMALL_MEMORY:
        return CheckResult(
            "Memory", "warn", f"{format_bytes(free)} free", "Close other programs, or use rm-nano."
        )
    return CheckResult("Memory", "ok", f"{format_bytes(free)} free")


def _report_default_model() -> CheckResult:
    """Report which embedded model runs if the user names none; warn if it is a fallback."""
    default = choose_preferred_or_shipped_model()
    name = RM_SMALL.name if default.model == RM_SMALL else "rm-nano"
    level: Level = "warn" if default.notice else "ok"
    return CheckResult("Default", level, f"{name} runs when no model is named", default.notice)


def _check_model_and_memory_fit(
    wanted: Settings, devices: tuple[Device, ...]
) -> Iterator[CheckResult]:
    """Check the model of the settings with its adapters, and that its estimated memory is free.

    The model is not loaded. Its memory is not checked if a header is unreadable, or an adapter does
    not fit it.
    """
    model = choose_settings_or_default_model(wanted)
    try:
        files = read_or_predict_model_headers(model)
        name = derive_model_name_without_place(wanted, model)
    except RmLocalError as error:
        yield _make_bad_model_check(error)
        return
    path = files.there[0][0] if model == RM_SMALL else model
    problem = _find_model_problem(path, files.header)
    try:
        adapters = read_and_check_adapter_headers(wanted.lora, path, files)
    except EngineError as error:
        remedy = f"{error.remedy} Name adapters with --lora FILE, or in the settings."
        yield problem or CheckResult("Adapter", "bad", error.message, remedy)
        return
    yield problem or _check_chat_format_and_describe_model(
        wanted, name, path, files.header, adapters
    )
    yield _check_memory_fit(wanted, devices, AdaptedModelSizes(files, adapters), name)


def _make_bad_model_check(error: RmLocalError) -> CheckResult:
    """Describe an error of the model as a bad check; the settings' remedies name no option."""
    option = "" if isinstance(error, SettingsError) else " Name it with --model FILE."
    return CheckResult("Model", "bad", error.message, f"{error.remedy}{option}")


def _find_model_problem(path: Path, header: GgufHeader) -> CheckResult | None:
    """Check that the file, if it exists, is complete and a text model; None if it is."""
    try:
        if path.is_file():
            check_file_complete(path, header)
        check_is_text_model(path, header)
    except RmLocalError as error:
        return _make_bad_model_check(error)
    return None


def _check_chat_format_and_describe_model(
    wanted: Settings, name: str, path: Path, header: GgufHeader, adapters: Sequence[LoraHeader]
) -> CheckResult:
    """Check that the model's chat format can be detected, and describe the model.

    `name` is the model's name in the list of models.
    """
    from rm_local.engine import detect_chat_format

    try:
        described = detect_chat_format(
            header.metadata, file=path.stem, overrides=paths.templates_dir(), adapters=adapters
        )
    except RmLocalError as error:
        return _make_bad_model_check(error)
    made = path.is_file()
    size = format_bytes(path.stat().st_size if made else header.needed_bytes)
    later = "" if made else ", made on first use"
    found = f"{name}: {path}, {header.architecture}, {size}{later}; {described.summary}"
    found += "".join(f"; with the adapter {adapter}" for adapter in wanted.lora)
    return CheckResult("Model", "ok", found)


def _check_memory_fit(
    wanted: Settings, devices: tuple[Device, ...], model: AdaptedModelSizes, name: str
) -> CheckResult:
    """Check that the estimated memory of the model called `name` under the settings is free."""
    asked = build_placement_request(wanted, model)
    try:
        check_fits_memory(model, devices, asked, measure_free_memory(), name)
    except InsufficientMemoryError as error:
        return CheckResult("Fits", "warn", error.message, error.remedy)
    need = estimate_memory(model, asked.context, kv=asked.kv, flash=asked.flash)
    size = f"{format_bytes(need.total)} at {need.context:,} tokens, {asked.kv} cache"
    layers = plan_placement(model, devices, asked).layers
    where = f"{layers} of {len(model.shape.layers) + 1} layers on devices" if layers else "CPU"
    return CheckResult(
        "Fits", "ok", f"{size}; {where}; when the context is full: {wanted.context_overflow}"
    )


def _check_minilm_model_file() -> CheckResult:
    """Check that the shipped all-MiniLM-L6-v2 is undamaged; name what embeds many texts."""
    from rm_local.embed import MINILM, check_minilm_gguf, find_minilm_gguf

    try:
        path = find_minilm_gguf()
        check_minilm_gguf(path)
    except RmLocalError as error:
        return CheckResult("Embedder", "bad", error.message, error.remedy)
    bulk = "llama.cpp (no extra bulk)"
    if is_installed("bulk"):
        bulk = "sentence-transformers on a GPU, else llama.cpp"
    return CheckResult("Embedder", "ok", f"{MINILM}, {path}; in bulk: {bulk}")


def _report_installed_extras() -> CheckResult:
    """Name the extras that a user may want, installed or not; always ok, as none is needed."""
    missing = [extra for extra in USER_EXTRAS if not is_installed(extra)]
    found = ", ".join(extra for extra in USER_EXTRAS if extra not in missing) or "none"
    if not missing:
        return CheckResult("Extras", "ok", found)
    remedy = f"To install one: {format_install_command(missing[0])}"
    return CheckResult("Extras", "ok", f"{found}; not installed: {', '.join(missing)}", remedy)


def _check_stores(named: tuple[Path, ...]) -> Iterator[CheckResult]:
    """Check each active store, and that all have one embedder; entries are not read."""
    from rm_local.store import StoreSet

    active = list_active_stores(named)
    checks = [_check_store(path) for path in active]
    yield from checks
    if len(active) > 1 and all(check.level == "ok" for check in checks):
        try:
            StoreSet.open(active, name_stores(active)).close()
        except RmLocalError as error:
            yield CheckResult("Store", "bad", error.message, error.remedy)
    if not named and not find_own_store():
        found = "you have none of your own yet; the first `rm-local store import FILE` makes it"
        yield CheckResult("Own store", "ok", found)


def _check_store(path: Path) -> CheckResult:
    """Check that the store can be opened and its embedder is known; entries are not read."""
    from rm_local.embed import check_embedder_is_supported
    from rm_local.store import Store

    try:
        with Store.open(path) as store:
            info = store.read_info()
        check_embedder_is_supported(path, info.embedder)
    except RmLocalError as error:
        return CheckResult("Store", "bad", error.message, error.remedy)
    found = f"{path}, {info.entries:,} entries, {format_bytes(info.size)}, by {info.embedder}"
    return CheckResult(
        "Store", "ok", found + (", read-only" if paths.is_shipped_store(path) else "")
    )


def _check_folders() -> Iterator[CheckResult]:
    """Report the settings file; check that sessions, cache and logs have writable folders."""
    try:
        config = paths.config_file()
    except HomeNotFoundError as error:
        yield CheckResult("Folders", "bad", error.message, error.remedy)
        return
    missing = "" if os.path.exists(config) else " (no file yet)"
    yield CheckResult("Settings", "ok", f"{config}{missing}")
    for name, folder in (
        ("Sessions", paths.sessions_dir),
        ("Cache", paths.cache_dir),
        ("Logs", paths.log_dir),
    ):
        yield _check_folder_is_writable(name, folder)


def _check_folder_is_writable(name: str, find: Callable[[], Path]) -> CheckResult:
    """Check that the folder returned by `find` is writable, or can be created."""
    try:
        folder = find()
    except HomeNotFoundError as error:
        return CheckResult(name, "bad", error.message, error.remedy)
    if obstacle := find_write_obstacle_or_empty(folder):
        found = f"{folder} cannot be written to: {obstacle}"
        return CheckResult(name, "bad", found, paths.SET_HOME)
    return CheckResult(name, "ok", str(folder))


def _check_terminal() -> CheckResult:
    """Check that the terminal is large enough for the app, and can be drawn on."""
    if not is_terminal(sys.stdout):
        return CheckResult(
            "Terminal",
            "ok",
            "standard output is not a terminal; the commands work, the app does not",
        )
    columns, lines = shutil.get_terminal_size()
    name = describe_term_variable()
    colours = (
        "16 million" if os.environ.get("COLORTERM") in ("truecolor", "24bit") else "256 or less"
    )
    found = f"{columns} x {lines}, {name}, {colours} colours, {sys.stdout.encoding}"
    if not does_term_support_escape_codes():
        return CheckResult("Terminal", "warn", found, CANNOT_DRAW)
    if columns < 80 or lines < 24:
        return CheckResult("Terminal", "warn", found, "Enlarge it to 80 x 24 or more for the app.")
    return CheckResult("Terminal", "ok", found)
