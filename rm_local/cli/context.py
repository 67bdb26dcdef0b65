"""What a command opens: settings, and a runtime on the model and store that were asked for."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rm_local.cli.options import PATH
from rm_local.lora import LoraAdapter, drop_unused

if TYPE_CHECKING:
    from collections.abc import Callable

    from rm_local.loop import Notice
    from rm_local.runtime import Runtime
    from rm_local.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

MODEL = click.option(
    "--model",
    type=PATH,
    metavar="FILE|NAME",
    help="GGUF file to reason with, or its name in `rm-local models`.",
)
STORE = click.option(
    "--store",
    type=PATH,
    metavar="FILE",
    help="Store to retrieve from.",
)

MAX_TEXT = 16 << 20
"""Bytes of a question on standard input; more would only fill the memory."""


@dataclass(slots=True)
class Opening:
    """The files named before the command; a command's own options go over them."""

    model: Path | None = None
    store: Path | None = None
    lora: tuple[LoraAdapter, ...] = ()

    def over(
        self,
        model: Path | None = None,
        store: Path | None = None,
        lora: tuple[LoraAdapter, ...] = (),
    ) -> Opening:
        """With the files that the command itself names."""
        return Opening(model or self.model, store or self.store, lora or self.lora)

    def settings(self) -> Settings:
        """The settings, read now, with these files in them.

        The adapters of the settings belong to their model: another model has those that are named
        with it, or none.
        """
        from rm_local import settings

        loaded = settings.load()
        named, kept = self.model, () if self.model else loaded.lora
        if named and str(named) in settings.EMBEDDED_MODELS and named.exists():
            named = named.absolute()  # a file of that name
        over = replace(
            loaded,
            model=named or loaded.model,
            store=self.store or loaded.store,
            lora=drop_unused(self.lora) if self.lora else kept,
        )
        if str(over.model) in settings.EMBEDDED_MODELS:
            return over
        if over.model and not over.model.is_absolute() and not over.model.exists():
            return replace(over, model=_by_name(loaded, over.model))
        return over

    def runtime(self) -> Runtime:
        """A runtime on these files; nothing is loaded yet."""
        from rm_local import runtime

        return runtime.Runtime(self.settings())


def _by_name(settings: Settings, model: Path) -> Path:
    """The file of the model that is called so; what can only be a path is left as it is."""
    from rm_local.library import find_models, is_model_path

    if is_model_path(str(model)):
        return model
    return find_models(settings).named(str(model)).reference


def print_notice(text: str) -> None:
    """Write a notice to standard error."""
    from rm_local.text import one_line

    click.echo(f"warning: {one_line(text)}", err=True)


def _print(notice: Notice) -> None:
    print_notice(notice.text)


@asynccontextmanager
async def printing_notices(
    runtime: Runtime, show: Callable[[Notice], None] | None = None
) -> AsyncIterator[None]:
    """Close the runtime after the body; show the notices that it reports outside of turns.

    They go to standard error, unless `show` does something else with them.
    """
    import asyncio

    events = runtime.watch()

    async def print_all() -> None:
        from rm_local.loop import Notice

        async with aclosing(events):
            async for event in events:
                if isinstance(event, Notice):
                    (show or _print)(event)

    printing = asyncio.ensure_future(print_all())
    try:
        yield
    finally:
        await runtime.close()
        await printing


def read_text_argument(words: tuple[str, ...], name: str, example: str) -> str:
    """The text given as words, or read from standard input for none or `-`.

    Raises UsageError when it is empty, or when standard input is a terminal.
    """
    from rm_local.errors import UsageError

    text = " ".join(words)
    if text in ("", "-") and (not words or words == ("-",)):
        if sys.stdin is None:
            raise UsageError(f"There is no {name}: standard input is closed.", f"Give: {example}")
        if sys.stdin.isatty() and not words:
            raise UsageError(f"There is no {name}.", f"Give one: {example}")
        data = sys.stdin.buffer.read(MAX_TEXT + 1)
        if len(data) > MAX_TEXT:
            raise UsageError(f"The {name} is longer than {MAX_TEXT:,} bytes.", "Shorten it.")
        text = data.decode("utf-8", "replace")
    if not text.strip():
        raise UsageError(f"The {name} is empty.", f"Give one: {example}")
    return text.strip()
