"""Writes the generated pages of docs/reference: `python packaging/reference.py`.

Commands come from click, settings from the docstrings of `Settings` and `EngineOptions` and from
the checks of the settings file, keys from the app's bindings, plans from `PLANS`, and the fields of
events from their classes. A test compares the pages with what this would write.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, fields
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import click

from rm_local import options, records, settings
from rm_local.errors import SettingsError
from rm_local.loop import PLANS

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
GENERATED = "<!-- Written by packaging/reference.py; change the code instead. -->"
WIDTH = 120

# Modules whose source is read; no room offers them at its face.
cli: click.Group = import_module("rm_local.cli.main").cli
branches = import_module("rm_local.engine.branches")
events = import_module("rm_local.loop.events")
plan = import_module("rm_local.loop.plan")
keys = import_module("rm_local.tui.keys")


def build_pages() -> dict[str, str]:
    """Return the text of each generated page, by its file name in docs/reference."""
    return {
        "commands.md": _format_page("Commands", _describe_commands()),
        "settings.md": _format_page("Settings", _describe_settings()),
        "keys.md": _format_page("Keys", _describe_keys()),
        "plans.md": _format_page("Plans", _describe_plans()),
        "event-fields.md": _format_page("Fields of events", _describe_events()),
    }


def _format_page(title: str, parts: Iterator[str]) -> str:
    return "\n\n".join([f"# {title}", GENERATED, *parts]) + "\n"


def _describe_commands() -> Iterator[str]:
    yield "Every command with its options. `-h` shows the same."
    for path, command in _walk_commands(cli, ("rm-local",)):
        # click keeps the help option of the first context, so that has to have its names.
        context = click.Context(command, info_name=" ".join(path), **cli.context_settings)
        yield f"## {' '.join(path)}"
        yield f"Arguments: `{' '.join(command.collect_usage_pieces(context))}`"
        paragraphs = inspect.cleandoc(command.help or "").replace("\b", "").split("\n\n")
        yield "\n\n".join(_wrap_text(part) for part in paragraphs)
        shown = (parameter.get_help_record(context) for parameter in command.get_params(context))
        records = [record for record in shown if record and "--help" not in record[0]]
        if records:
            yield "\n".join(_format_item(name, text) for name, text in records)


def _walk_commands(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from _walk_commands(child, (*path, name))


def _describe_settings() -> Iterator[str]:
    yield _wrap_text(
        "Keys of the settings file, `config.toml`, with their defaults. `rm-local doctor` shows "
        "where the file is. `RM_LOCAL_MODEL` and `RM_LOCAL_STORE` take precedence over it."
    )
    rows = ["| setting | default | values |", "|---|---|---|"]
    for field in fields(settings.Settings):
        default = "unset" if field.default is None else f"`{_format_toml(field.default)}`"
        rows.append(f"| `{field.name}` | {default} | {_describe_allowed_values(field.name)} |")
    yield "\n".join(rows)
    texts = _read_docstrings(options)["EngineOptions"] | _read_docstrings(settings)["Settings"]
    aliases = _read_aliases(options) | _read_aliases(settings)
    lines = []
    for field in fields(settings.Settings):
        text = texts.get(field.name) or aliases.get(str(field.type), "")
        lines.append(_format_item(field.name, text))
    yield "\n".join(lines)


def _describe_allowed_values(key: str) -> str:
    """Return the allowed values of a setting, as the check of the settings file reports them.

    An empty table is invalid for every setting; the remedy of its error states what is allowed.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "config.toml"
        path.write_text(f"{key} = {{}}\n", encoding="utf-8")
        try:
            settings.load_settings(path)
        except SettingsError as error:
            allowed = error.remedy.removeprefix("Set it to ").removesuffix(".")
        else:
            raise AssertionError(f"{key} accepts a table.")
    if key == "plan":
        return ", ".join(f"`{_format_toml(name)}`" for name in PLANS)
    if key == "model":
        return ", ".join([*(f"`{_format_toml(n)}`" for n in settings.EMBEDDED_MODELS), allowed])
    if allowed == "true or false":
        return "`true`, `false`"
    if allowed.startswith("one of "):
        words = allowed.removeprefix("one of ").split(", ")
        return ", ".join(f"`{_format_toml(word)}`" for word in words)
    return allowed


def _describe_keys() -> Iterator[str]:
    yield _wrap_text(
        "The ids name the keys in a keymap. A key with several lines does what fits the part of "
        "the screen that has the focus."
    )
    lines = [
        _format_item(", ".join(keys.format_keys(binding)), f"{binding.tooltip} (`{binding.id}`)")
        for binding in keys.ALL
    ]
    yield "\n".join(lines)


def _describe_plans() -> Iterator[str]:
    yield "`--plan NAME` chooses one. Options of `ask` change single fields."
    yield "\n".join(_format_item(each.name, _get_plan_description(each)) for each in PLANS.values())
    texts = _read_docstrings(plan)["Plan"]
    aliases = _read_aliases(plan)
    yield "## Fields"
    lines = []
    for field in fields(plan.Plan):
        text = texts.get(field.name) or aliases.get(str(field.type), "")
        default = "" if field.default is MISSING else f" = {_format_toml(field.default)}"
        lines.append(_format_item(f"{field.name}{default}", text))
    yield "\n".join(lines)


def _get_plan_description(each: Any) -> str:
    return str(getattr(each, "description", "") or each.about)


def _describe_events() -> Iterator[str]:
    yield _wrap_text(
        "[Events](events.md) explains the order and the meaning. These are all fields, by their "
        "Python classes."
    )
    texts: dict[str, dict[str, str]] = {}
    for module in (events, branches, records):
        texts |= _read_docstrings(module)
    for kind in [*events.TurnEvent.__args__, *events.RunEvent.__args__]:
        summary = (inspect.getdoc(kind) or "").split("\n\n")[0]
        yield f"## {kind.event}"
        yield _wrap_text(summary)
        lines = [
            _format_item(
                f"{field.name}: {field.type}", texts.get(kind.__name__, {}).get(field.name, "")
            )
            for field in fields(kind)
        ]
        if lines:
            yield "\n".join(lines)


def _read_docstrings(module: ModuleType) -> dict[str, dict[str, str]]:
    """Return the docstrings of fields in `module`, by class and field name."""
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = dict(_list_documented_names(node.body))
    return found


def _read_aliases(module: ModuleType) -> dict[str, str]:
    """Return the docstrings of the module's own types and constants, by name."""
    return dict(_list_documented_names(ast.parse(inspect.getsource(module)).body))


def _list_documented_names(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for node, after in pairwise(body):
        target = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(node, ast.Assign):
            target = node.targets[0]  # type: ignore[assignment]
        text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(target, ast.Name) and text:
            yield target.id, inspect.cleandoc(str(after.value.value))  # type: ignore[attr-defined]


def _format_item(name: str, text: str) -> str:
    """Format an item of a Markdown list: the name as code, then the text; keep lists within it."""
    parts = re.split(r"\n(?=- )|\n\n", text.strip())
    first = _wrap_text(
        f"- `{name}`" + (f": {' '.join(parts[0].split())}" if parts[0] else ""), "  "
    )
    rest = [_wrap_text(" ".join(part.split()), "    ", "  ") for part in parts[1:]]
    return "\n".join([first, *rest])


def _wrap_text(text: str, indent: str = "", begin: str = "") -> str:
    return textwrap.fill(
        " ".join(text.split()),
        WIDTH,
        initial_indent=begin,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _format_toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case None:
            return '""'
        case str():
            return f'"{value}"'
        case tuple():
            return "[]"
        case _:
            return str(value)


def main() -> None:
    for name, text in build_pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"docs/reference/{name}: {len(text.splitlines())} lines")


if __name__ == "__main__":
    main()
