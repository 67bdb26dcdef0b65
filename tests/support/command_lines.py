"""Commands in documents: taken out of shell lines, and parsed by click without being run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click

_INNER = re.compile(r"[$<]\(([^()]*)\)")
_REDIRECT = re.compile(r"^(?:\d?>>?|<)$")
_SEPARATORS = {"|", "||", "&&", ";", "&"}


def shell_commands(line: str) -> Iterator[list[str]]:
    """The words of each command in a line of shell, comments and redirections removed.

    Raises ValueError where a quotation mark is not closed.
    """
    while match := _INNER.search(line):
        yield from shell_commands(match[1])
        line = line[: match.start()] + "INNER" + line[match.end() :]
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words: list[str] = []
    tokens = iter(lexer)
    for token in tokens:
        if token in _SEPARATORS:
            yield words
            words = []
        elif _REDIRECT.match(token):
            next(tokens, None)
        else:
            words.append(token)
    yield words


def program_arguments(line: str, program: str) -> Iterator[list[str]]:
    """What follows `program` in each command of the line; its path may precede its name."""
    for words in shell_commands(line):
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words = words[1:]
        if words and (words[0] == program or words[0].endswith(f"/{program}")):
            yield words[1:]


def check_arguments(group: click.Command, arguments: list[str], *, complete: bool) -> None:
    """Parse the arguments as click does, command after command.

    With `complete` all that a command requires has to be there. Types are not checked: `N` may
    stand for a number. Raises click.UsageError for an unknown command or option, an option without
    its value, and an argument too many or, with `complete`, missing.
    """
    # click keeps the help option of the first context, so that has to have its names.
    context = click.Context(group, help_option_names=["-h", "--help"])
    values, rest, _ = group.make_parser(context).parse_args(list(arguments))
    if isinstance(group, click.Group):
        if rest:
            command = group.get_command(context, rest[0])
            if command is None:
                raise click.UsageError(f"no command {rest[0]!r} in {group.name!r}")
            check_arguments(command, rest[1:], complete=complete)
        return
    if rest:
        raise click.UsageError(f"{group.name} does not take {rest}")
    for parameter in group.params:
        if complete and parameter.required and not _is_given(values.get(parameter.name or "")):
            raise click.UsageError(f"{group.name} needs {parameter.name}")


def _is_given(value: object) -> bool:
    """Whether click found a value; it marks a missing one by None, or by a value of its own."""
    return isinstance(value, str | int | float) or (isinstance(value, list | tuple) and bool(value))
