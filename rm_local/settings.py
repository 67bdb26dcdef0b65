"""The user's settings: their defaults, and reading and checking the settings file."""

from __future__ import annotations

import os
import reprlib
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeGuard, get_args

from rm_local import old_names
from rm_local.errors import HomeNotFoundError, SettingsError, UnknownHomeError
from rm_local.file_kinds import read_small_file
from rm_local.home import expand_user_path
from rm_local.lora import LoraAdapter, drop_adapters_with_zero_scale, parse_lora
from rm_local.old_names import warn_and_replace_old_name
from rm_local.options import EngineOptions, FlashAttention, Overflow, Precision
from rm_local.paths import config_file, templates_dir
from rm_local.text import NotUtf8Error, decode_utf8_text

CONTEXT_LIMIT = 1 << 20
THREAD_LIMIT = 1024
LAYER_LIMIT = 1024
IDLE_LIMIT = 7 * 24 * 60
PENALTY_LIMIT = 2
DRY_LIMIT = 5
EMBEDDED_MODELS = ("rm-nano", "rm-small")
"""Names that the setting `model` accepts in addition to paths; a file named so is `./rm-nano`."""
STORE_NAMES = ("shipped", "own")
"""Names that `stores` accepts in addition to paths; a file named so is `./own`."""
_ENGINE = EngineOptions()


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings with their default values."""

    model: Path | None = None
    """GGUF file to reason with, or the name of an embedded model (`EMBEDDED_MODELS`); None selects
    the default, see `rm_local.library.choose_preferred_or_shipped_model`."""
    stores: tuple[Path, ...] = ()
    """Stores that are searched as one, in place of the shipped store and the user's own. `shipped`
    and `own` stand for these two."""
    lora: tuple[LoraAdapter, ...] = ()
    """LoRA adapters to load `model` with."""
    # The engine's options: `rm_local.options.EngineOptions` documents each.
    context: int = _ENGINE.context
    threads: int = _ENGINE.threads
    gpu_layers: int = _ENGINE.gpu_layers
    flash_attention: FlashAttention = _ENGINE.flash_attention
    kv_cache_type: Precision = _ENGINE.kv_cache_type
    context_overflow: Overflow = _ENGINE.context_overflow
    check_memory: bool = _ENGINE.check_memory
    end_loops: bool = _ENGINE.end_loops
    repeat_penalty: float = _ENGINE.repeat_penalty
    dry: float = _ENGINE.dry
    idle_unload_minutes: float = 15
    """Minutes without a question after which the model is unloaded; 0 = never."""
    thinking: bool = True
    """Let a model with thinking support think before it answers."""
    plan: str = "memory"
    """Name of the plan for questions."""
    model_dirs: tuple[Path, ...] = ()
    """Folders that `rm-local models` searches for GGUF files, in addition to the usual ones."""
    theme: str = "rm-dark"
    """The app's colours: rm-dark, rm-light, or any theme of Textual's."""

    def build_engine_options(self) -> EngineOptions:
        """Return the settings of the engine, with the folder of the user's chat templates."""
        own = {field.name for field in fields(self)}
        shared = [field.name for field in fields(EngineOptions) if field.name in own]
        values = {name: getattr(self, name) for name in shared}
        return EngineOptions(**values, templates=str(templates_dir() or ""))


def load_settings(path: Path | None = None) -> Settings:
    """Load `path`, else `config_file()`, with the overrides RM_LOCAL_MODEL and RM_LOCAL_STORE.

    Without a settings file or a home folder the settings are the defaults. The adapters of the file
    belong to its model: they are left out if RM_LOCAL_MODEL names another model. Old names
    (`rm_local.old_names`) are accepted with a `RenamedWarning`.

    Raises:
        SettingsError: The file is invalid; the message has file, key and the allowed values.
    """
    source = path or _find_existing_config()
    values = _read_setting_values(source) if source else {}
    if model := os.environ.get("RM_LOCAL_MODEL"):
        values["model"] = _expand_override("RM_LOCAL_MODEL", model)
        values.pop("lora", None)
    if store := os.environ.get("RM_LOCAL_STORE"):
        values["stores"] = (_expand_override("RM_LOCAL_STORE", store),)
    settings = Settings(**values)
    stored = settings.kv_cache_type
    if stored != "f16" and settings.flash_attention == "off":
        message = f'{source}: kv_cache_type = "{stored}" needs flash attention, which is off.'
        raise SettingsError(message, 'Set `flash_attention = "auto"`, or `kv_cache_type = "f16"`.')
    return settings


def _find_existing_config() -> Path | None:
    """Return the path of the settings file; None if it does not exist."""
    try:
        file = config_file()
    except HomeNotFoundError:
        return None
    return file if os.path.exists(file) else None  # Path.exists raises in a closed folder


def _read_setting_values(source: Path) -> dict[str, Any]:
    """Read a settings file; return its checked values by their present keys.

    Raises:
        SettingsError: The file cannot be read, is not TOML, or has an unknown key or invalid value.
    """
    try:
        table = tomllib.loads(decode_utf8_text(read_small_file(source)))
    except (OSError, NotUtf8Error) as error:
        raise SettingsError(f"{source} cannot be read: {error}.", "Fix or remove it.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source} is not TOML: {error}.", "Fix that line.") from None
    except RecursionError:
        raise SettingsError(f"{source} is nested too deeply.", "Fix or remove it.") from None
    except ValueError:  # of Python's own parser of numbers
        raise SettingsError(f"{source} has a number that is too long.", "Shorten it.") from None
    values: dict[str, Any] = {}
    for written, value in table.items():
        key = warn_and_replace_old_name(old_names.SETTINGS, written, file=source)
        if key in values:
            message = f"{source}: {key!r} is set twice, under its old name, too."
            raise SettingsError(message, "Remove one of the two lines.")
        values[key] = _check_and_convert_setting(source, key, value)
    return values


def _check_and_convert_setting(source: Path, key: str, value: object) -> Any:
    """Check the value of the setting `key`; return it converted to the type of its field.

    Raises:
        SettingsError: The key is unknown, or the value is invalid.
    """
    match key:
        case "model" if value in EMBEDDED_MODELS:
            return Path(str(value))
        case "model":
            if _is_path_text(value):
                return source.parent / _expand_path(f"{source}: {key}", value)
            raise _make_value_error(
                source, key, value, "the path of a file, relative to the settings file"
            )
        case "stores":
            files = [value] if isinstance(value, str) else value
            if isinstance(files, list) and all(map(_is_path_text, files)):
                return tuple(
                    Path(each)
                    if each in STORE_NAMES
                    else source.parent / _expand_path(f"{source}: {key}", each)
                    for each in files
                )
            raise _make_value_error(
                source, key, value, "a list of files, relative to the settings file"
            )
        case "model_dirs":
            if isinstance(value, list) and all(map(_is_path_text, value)):
                return tuple(
                    source.parent / _expand_path(f"{source}: {key}", each) for each in value
                )
            raise _make_value_error(
                source, key, value, "a list of folders, relative to the settings file"
            )
        case "lora":
            if isinstance(value, list) and all(each == "" or _is_path_text(each) for each in value):
                return drop_adapters_with_zero_scale(_parse_adapter(source, each) for each in value)
            raise _make_value_error(source, key, value, "a list of texts, FILE or FILE:SCALE")
        case "context":
            return _check_integer(source, key, value, 0, CONTEXT_LIMIT)
        case "threads":
            return _check_integer(source, key, value, 0, THREAD_LIMIT)
        case "gpu_layers":
            return _check_integer(source, key, value, -1, LAYER_LIMIT)
        case "flash_attention":
            return _check_choice(source, key, value, get_args(FlashAttention))
        case "kv_cache_type":
            return _check_choice(source, key, value, get_args(Precision))
        case "context_overflow":
            if isinstance(value, str):
                value = warn_and_replace_old_name(
                    old_names.CONTEXT_OVERFLOW, value, f'{key} = "{{}}"', file=source
                )
            return _check_choice(source, key, value, get_args(Overflow))
        case "idle_unload_minutes":
            return _check_number(source, key, value, IDLE_LIMIT)
        case "repeat_penalty":
            return _check_number(source, key, value, PENALTY_LIMIT, low=1)
        case "dry":
            return _check_number(source, key, value, DRY_LIMIT)
        case "thinking" | "check_memory" | "end_loops":
            if isinstance(value, bool):
                return value
            raise _make_value_error(source, key, value, "true or false")
        case "plan" | "theme":
            if isinstance(value, str) and value:
                if key == "plan":
                    return warn_and_replace_old_name(old_names.PLANS, value, "plan {}", file=source)
                return value
            raise _make_value_error(source, key, value, "a name")
        case _:
            known = ", ".join(field.name for field in fields(Settings))
            message = f"{source}: unknown setting {key!r}."
            raise SettingsError(message, f"Use one of: {known}.")


def _is_path_text(value: object) -> TypeGuard[str]:
    """Return whether `value` can be a path: a text that is not empty, without a NUL character."""
    return isinstance(value, str) and bool(value) and "\0" not in value


def _parse_adapter(source: Path, text: str) -> LoraAdapter:
    """Parse `FILE` or `FILE:SCALE`; a relative path is relative to the settings file `source`.

    Raises:
        SettingsError: The text names no file, or the scale is not finite.
        UnknownHomeError: There is no home folder for a leading `~`.
    """
    try:
        adapter = parse_lora(text)
    except ValueError as error:
        remedy = 'Write FILE or FILE:SCALE, as in lora = ["style.gguf:0.5"].'
        raise SettingsError(f"{source}: lora: {error}.", remedy) from None
    return replace(adapter, path=str(source.parent / _expand_path(f"{source}: lora", adapter.path)))


def _expand_path(place: str, text: str) -> Path:
    """Return the path that is written at `place`, with a home folder in place of a leading `~`.

    Raises:
        UnknownHomeError: There is no such home folder.
    """
    try:
        return expand_user_path(text)
    except UnknownHomeError as error:
        raise UnknownHomeError(f"{place}: {error.message}", error.remedy) from None


def _expand_override(variable: str, text: str) -> Path:
    """Return the path, or the name of a model or store, in the environment variable `variable`.

    With a separator it is a path, also if it ends in such a name.

    Raises:
        UnknownHomeError: The path begins with an unknown home folder.
    """
    named = _expand_path(variable, text)
    return named.absolute() if os.path.dirname(text) else named


def _check_integer(source: Path, key: str, value: object, low: int, high: int) -> int:
    """Return `value` if it is an integer from `low` to `high`; true and false are not integers.

    Raises:
        SettingsError: It is not.
    """
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise _make_value_error(source, key, value, f"a whole number from {low} to {high}")


def _check_number(source: Path, key: str, value: object, high: int, *, low: int = 0) -> float:
    """Return `value` if it is a number from `low` to `high`; true, false and nan are not numbers.

    Raises:
        SettingsError: It is not.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise _make_value_error(source, key, value, f"a number from {low} to {high}")


def _check_choice(source: Path, key: str, value: object, words: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in words:
        return value
    raise _make_value_error(source, key, value, f"one of {', '.join(words)}")


def _make_value_error(source: Path, key: str, value: object, allowed: str) -> SettingsError:
    try:
        shown = reprlib.repr(value)
    except ValueError:
        shown = "a number that is too long"
    return SettingsError(f"{source}: invalid value {key} = {shown}.", f"Set it to {allowed}.")
