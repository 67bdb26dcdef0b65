"""Helpers of the commands: settings with the files named on the command line, notices, input."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rm_local.address_space import NUMPY_BYTES, require_address_space
from rm_local.cli.options import MODEL_PATH, PATH
from rm_local.cli.terminal import is_terminal
from rm_local.lora import LoraAdapter, drop_adapters_with_zero_scale

if TYPE_CHECKING:
    from collections.abc import Callable

    from rm_local.loop import Notice
    from rm_local.runtime import Runtime
    from rm_local.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

MODEL = click.option(
    "--model",
    type=MODEL_PATH,
    metavar="FILE|NAME",
    help="GGUF file to reason with, or its name in `rm-local models`.",
)
STORES = click.option(
    "--store",
    "stores",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="Store to search, in place of the shipped one and your own; can be given several times. "
    "`shipped` and `own` name these two.",
)
STORE_TO_CHANGE = click.option(
    "--store",
    "stores",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="Store to change.  [default: your own]",
)


@dataclass(slots=True)
class CliContext:
    """Context of a command: the model, stores and adapters that its options name.

    They replace those in the settings. Options after the command override those before it. The
    context also loads the settings and creates the runtime.
    """

    model: Path | None = None
    stores: tuple[Path, ...] = ()
    lora: tuple[LoraAdapter, ...] = ()

    def with_overrides(
        self,
        model: Path | None = None,
        stores: tuple[Path, ...] = (),
        lora: tuple[LoraAdapter, ...] = (),
    ) -> CliContext:
        """Return a copy in which the given files replace those of this context."""
        return CliContext(model or self.model, stores or self.stores, lora or self.lora)

    def load_settings(self) -> Settings:
        """Load the settings, with the files of this context in place of their own.

        The adapters of the settings are kept only if this context names neither a model nor
        adapters. Adapters that it names replace them, except those with the scale 0; a model named
        without adapters gets no adapters, even if it is the model of the settings.

        Raises:
            SettingsError: The settings file is invalid.
            UsageError: No model has that name.
        """
        from rm_local import settings

        loaded = settings.load_settings()
        named, kept = self.model, () if self.model else loaded.lora
        if named and str(named) in settings.EMBEDDED_MODELS and named.is_file():
            named = named.absolute()  # a file of that name
        stores = tuple(
            each.absolute() if str(each) in settings.STORE_NAMES and each.is_file() else each
            for each in self.stores
        )
        over = replace(
            loaded,
            model=named or loaded.model,
            stores=stores or loaded.stores,
            lora=drop_adapters_with_zero_scale(self.lora) if self.lora else kept,
        )
        if str(over.model) in settings.EMBEDDED_MODELS:
            return over
        if over.model and not over.model.is_absolute() and not over.model.exists():
            return replace(over, model=_find_model_unless_path(loaded, over.model))
        return over

    def new_runtime(self) -> Runtime:
        """Create a runtime with the settings and files of this context; nothing is opened yet.

        Raises:
            InsufficientMemoryError: A limit of memory leaves too little for any model or store.
        """
        from rm_local import runtime

        require_address_space(NUMPY_BYTES)  # before any thread: Python waits for one that fails
        return runtime.Runtime(self.load_settings())


def check_plan_setting(settings: Settings) -> None:
    """Check that there is a plan of the name in the settings.

    Raises:
        SettingsError: There is no such plan; the message names the settings file.
    """
    from rm_local.errors import SettingsError, UsageError
    from rm_local.loop import find_plan
    from rm_local.paths import config_file

    try:
        find_plan(settings.plan)
    except UsageError as error:
        message = f"{config_file()}: there is no plan {settings.plan!r}."
        raise SettingsError(message, error.remedy) from None


def _find_model_unless_path(settings: Settings, model: Path) -> Path:
    """Return the file of the model called `model`; if it is a path, return it unchanged.

    Raises:
        UsageError: No model has that name.
    """
    from rm_local.library import find_models, looks_like_model_path

    if looks_like_model_path(str(model)):
        return model
    return find_models(settings).find_by_name_or_prefix(str(model)).path_or_embedded_name


def print_notice_as_warning(text: str) -> None:
    """Write a notice as a line `warning: ...` to standard error."""
    from rm_local.text import one_line

    click.echo(f"warning: {one_line(text)}", err=True)


def print_text_safely(text: str) -> None:
    """Write a text of a model, a store or a file to standard output, and end its line.

    It is written exactly, with all its lines and characters; only on a terminal without control
    characters, which could drive it. Titles in lists are shortened to one line everywhere.
    """
    click.echo(clean_if_stdout_is_terminal(text), color=True)  # True = escape codes stay


def clean_if_stdout_is_terminal(text: str) -> str:
    """Return `text` without control characters if standard output is a terminal, else unchanged."""
    from rm_local.text import sanitize_for_terminal

    return sanitize_for_terminal(text) if is_terminal(sys.stdout) else text


def _print_notice_text(notice: Notice) -> None:
    """Write the text of a notice to standard error."""
    print_notice_as_warning(notice.text)


@asynccontextmanager
async def print_notices_then_close(
    runtime: Runtime, show: Callable[[Notice], None] | None = None
) -> AsyncIterator[None]:
    """Print the notices between turns during the `with` body; then close the runtime.

    `show` is called with each notice; by default it is written to standard error.
    """
    import asyncio

    events = runtime.watch_events_between_turns()

    async def print_notices_until_closed() -> None:
        from rm_local.loop import Notice

        async with aclosing(events):
            async for event in events:
                if isinstance(event, Notice):
                    (show or _print_notice_text)(event)

    printing = asyncio.ensure_future(print_notices_until_closed())
    try:
        yield
    finally:
        await runtime.close()
        await printing


def join_argument_or_read_stdin(words: tuple[str, ...], name: str, example: str) -> str:
    """Return the text of an argument: its words, or standard input without words or for `-`.

    `name` and `example` describe the argument in errors.

    Raises:
        UsageError: The text is empty or too long, or standard input is a terminal or closed.
    """
    from rm_local.cli.standard_input import read_stdin_text
    from rm_local.errors import UsageError
    from rm_local.text import replace_lone_surrogates

    text = replace_lone_surrogates(" ".join(words))
    if text in ("", "-") and (not words or words == ("-",)):
        if sys.stdin is None:
            raise UsageError(f"There is no {name}: standard input is closed.", f"Give: {example}")
        if sys.stdin.isatty() and not words:
            raise UsageError(f"There is no {name}.", f"Give one: {example}")
        text = read_stdin_text(name)
    if not text.strip():
        raise UsageError(f"The {name} is empty.", f"Give one: {example}")
    return text.strip()
