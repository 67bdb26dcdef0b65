"""Shell commands that pages show: which are to be run, and which only name a command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import click

from rm_local.cli.main import cli
from tests.support.command_lines import check_arguments, program_arguments, shell_commands
from tests.support.markdown import Code, Page

PROGRAMS = re.compile(
    r"(?:\S*/)?(?:rm-local|python3?|pipx?|pre-commit|coverage|git|hf|ollama|lms"
    r"|cat|cp|cd|curl|echo|export|mkdir|printf|rm|seq|source|sudo|head|tail|[A-Z_]+=\S*)(?= |$)"
)
"""What a command of a page begins with; another word begins no command in a span."""
SHELLS = {"sh", "bash", "shell", "console"}
_PLACEHOLDER = re.compile(
    r"\[.*|\S*\[[A-Z]+\]|\S*\.\.\.|(?!INNER$)(?:\S*[^\w\s$])?[A-Z]{2,}\d*(?:\.\w+)?|[A-Z]"
)
"""`[MODEL]`, `.[NAME]`, `FILE...`, `MODEL.gguf`, `N`; INNER is what `shell_commands` leaves."""
_COMMENT = re.compile(r"(?:^|\s+)#\s.*$")


class Kind(Enum):
    """What a piece of a page that looks like a command is."""

    COMMAND = "command"
    NAME = "name"
    """It lacks arguments that the command needs: the text writes about the command."""
    FORM = "form"
    """It has placeholders."""


@dataclass(frozen=True, slots=True)
class PageCommand:
    """A command as a page shows it."""

    page: Page
    number: int
    """The line of the page where it begins."""
    line: str
    """As it stands, comment included."""
    in_block: bool
    kind: Kind

    @property
    def shown(self) -> str:
        """The line without its comment."""
        return _COMMENT.sub("", self.line)


def list_commands(page: Page) -> list[PageCommand]:
    """The commands of the blocks and spans of a page, in its order."""
    blocks = [(code, True) for code in _join_lines(page.block_lines)]
    spans = [(code, False) for code in page.code_spans if _is_command(code.text)]
    return [
        PageCommand(page, code.number, code.text, in_block, find_kind(code.text))
        for code, in_block in sorted([*blocks, *spans], key=lambda pair: pair[0].number)
    ]


def find_kind(line: str) -> Kind:
    """Distinguish commands from forms with placeholders, and from names of commands."""
    text = _COMMENT.sub("", line)
    try:
        words = [word for command in shell_commands(text) for word in command]
    except ValueError:  # a quotation mark that is open: the shell will say so
        return Kind.COMMAND
    if any(_PLACEHOLDER.fullmatch(word) for word in words) or "<(" in text:
        return Kind.FORM
    try:
        for arguments in program_arguments(text, "rm-local"):
            check_arguments(cli, arguments, complete=True)
    except click.UsageError:
        return Kind.NAME
    return Kind.COMMAND


def opens_app(line: str) -> bool:
    """Whether the line is `rm-local` without a command, or with options alone."""
    words = [*shell_commands(_COMMENT.sub("", line))]
    if len(words) != 1 or not words[0] or words[0][0].rpartition("/")[2] != "rm-local":
        return False
    context = click.Context(cli, help_option_names=["-h", "--help"])
    rest = cli.make_parser(context).parse_args(words[0][1:])[1]
    return not rest and not {"-h", "--help", "--version"} & {*words[0]}


def _is_command(text: str) -> bool:
    found = PROGRAMS.match(text)
    return bool(found) and (" " in text or text.rpartition("/")[2] == "rm-local")


def _join_lines(lines: tuple[Code, ...]) -> Iterator[Code]:
    """Commands of blocks, each on one line: a backslash at the end of a line continues it."""
    before: Code | None = None
    for code in lines:
        text = code.text.strip().removeprefix("$ ")
        if before:
            code = Code(before.text[:-1] + text, before.number, code.language)
        else:
            code = Code(text, code.number, code.language)
        before = code if text.endswith("\\") else None
        shell = code.language in SHELLS if code.language else PROGRAMS.match(code.text)
        if shell and not before and not re.match(r"#|$", code.text):
            yield code
