"""Suggests what was meant by an unknown command or option."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from difflib import get_close_matches

import click

from rm_local.old_names import COMMANDS
from rm_local.text import one_line

ASK = "rm-local ask"
_MAX_COMMAND = 120
"""Maximum number of characters of a suggested command line."""
_OPTIONS_AS_WORDS = {"help": "--help", "version": "--version"}
_PLAIN = re.compile(r"[^\"$`\\!]*")


def describe_unknown_command(group: click.Group, ctx: click.Context, args: list[str]) -> str:
    """Describe in a message that `args[0]` is no command of the group, and what was meant.

    That may be a command of another group or, at the top, a question without its command.
    """
    name, rest = args[0], args[1:]
    message = f"There is no command {shlex.quote(one_line(name, 60))}."
    known = [*group.list_commands(ctx), *COMMANDS.get(group.name or "", {})]
    close = [
        _get_new_command_name_if_renamed(group, each)
        for each in get_close_matches(name.lower(), known)
    ]
    if option := _OPTIONS_AS_WORDS.get(name.lower()):
        close = [option]
    root = ctx.find_root()
    lines = [f"{ctx.command_path} {each}" for each in close]
    if isinstance(root.command, click.Group):
        lines += [
            f"{root.command_path} {path}"
            for path, _ in _walk_leaf_commands(root.command, root)
            if path.split()[-1] in _list_name_and_its_new_names(name.lower())
        ]
    if lines:
        meant = (_format_command_or_shorten(each, rest) for each in dict.fromkeys(lines))
        return f"{message} Did you mean {' or '.join(f'`{each}`' for each in meant)}?"
    if ctx.parent is None:
        return f"{message} To ask a question: {_format_question_as_ask_command(args)}"
    return f"{message} Use one of: {', '.join(group.list_commands(ctx))}."


def describe_unknown_option(error: click.NoSuchOption, args: list[str]) -> str:
    """Describe in a message which option was meant, or which commands have it.

    `args` are the arguments after `rm-local`, if they are known.
    """
    name, ctx = error.option_name, error.ctx
    if ctx is None:
        return f"There is no option {name}."
    message = f"`{ctx.command_path}` has no option {name}."
    root = ctx.find_root()
    if not isinstance(root.command, click.Group):
        return message
    commands = dict(_walk_leaf_commands(root.command, root))
    owners = [path for path, command in commands.items() if name in _list_option_names(command)]
    if ctx.parent is None:
        listed = [*_list_option_names(root.command), *_list_option_names(commands["ask"])]
        near = get_close_matches(name, listed, 1)
        if near and near[0] not in _list_option_names(root.command):
            meant = [
                near[0] + each.removeprefix(name) if each.partition("=")[0] == name else each
                for each in args
            ]
            asked = _format_ask_command_with_question(commands["ask"], meant)
            return f"{message} Did you mean `{asked}`?"
    if error.possibilities:
        return f"{message} Did you mean {' or '.join(sorted(error.possibilities))}?"
    if owners:
        names = ", ".join(f"`{root.command_path} {path}`" for path in owners)
        return f"{message} It is an option of {names}."
    return message


def _format_question_as_ask_command(words: list[str]) -> str:
    """Return the command line that asks these words as a question."""
    line = _format_command_or_shorten(ASK, [" ".join(words)])
    if not words[0]:
        return f'{ASK} "..."'
    return line if line[-1] in "\"'" else f'{ASK} "{" ".join(words)}"'


def _format_ask_command_with_question(ask: click.Command, args: list[str]) -> str:
    """Return the command line of `ask` with these arguments, and with a question if it has none."""
    try:
        values, _, _ = ask.make_parser(click.Context(ask)).parse_args([*args])
    except click.UsageError:
        values = {"question": args}
    question = values.get("question")
    asked = isinstance(question, tuple | list) and any(question)
    return _format_command_or_shorten(ASK, args if asked else [*args, "the question"])


def _get_new_command_name_if_renamed(group: click.Group, name: str) -> str:
    """Return the present name of a command that has this name or had it before."""
    return COMMANDS.get(group.name or "", {}).get(name, name)


def _list_name_and_its_new_names(name: str) -> set[str]:
    """Return a name, and the names that commands have now which had it before."""
    return {name, *(names[name] for names in COMMANDS.values() if name in names)}


def _walk_leaf_commands(
    group: click.Group, ctx: click.Context
) -> Iterator[tuple[str, click.Command]]:
    """Yield the path below `group` and the command of each command that is no group."""
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        if isinstance(command, click.Group):
            for path, found in _walk_leaf_commands(command, ctx):
                yield f"{name} {path}", found
        elif command is not None:
            yield name, command


def _list_option_names(command: click.Command) -> list[str]:
    """List the names of a command's options, with their dashes."""
    options = [each for each in command.params if isinstance(each, click.Option)]
    return [name for each in options for name in (*each.opts, *each.secondary_opts)]


def _format_command_or_shorten(command: str, words: list[str]) -> str:
    """Return a command line of `command` and these words, which are quoted if they need it."""
    line = one_line(" ".join([command, *map(_quote_for_shell, words)]))
    return line if len(line) <= _MAX_COMMAND else f'{command} "..."'


def _quote_for_shell(word: str) -> str:
    """Quote a word for a shell, in double quotes if it can be."""
    quoted = shlex.quote(word)
    return f'"{word}"' if quoted != word and _PLAIN.fullmatch(word) else quoted
