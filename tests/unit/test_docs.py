"""README, docs and the other pages: what they link to, name and let people type exists."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click
import pytest

from rm_local import old_names
from rm_local.cli.main import COMMANDS, cli
from tests.support.command_lines import check_arguments, program_arguments
from tests.support.markdown import Page, read_page

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
TOP = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
OTHERS = [ROOT / "examples" / "README.md", *sorted((ROOT / "models").rglob("README.md"))]
PAGES = [*TOP, *DOCS, *OTHERS]
LONGEST_LINE = 120
PYTHON = re.compile(r"python3? -m ([\w.]+)")
SCRIPT = re.compile(r"\b((?:packaging|models|examples|tests)/[\w/.-]+\.(?:py|md|toml|jsonl|tsv))\b")
DOCUMENT = re.compile(r"(?<![\w/.-])docs/[\w/-]+\.(?:md|svg)\b")
OPTION = re.compile(r"(?<![\w-])--?[a-z][\w-]*")
DECLARED = re.compile(r"[\"'](--[a-z][\w-]*)[\"']")
SOURCES = {".py", ".toml", ".md", ".tcss"}


def name(path: Path) -> str:
    """The path in the checkout."""
    return path.relative_to(ROOT).as_posix()


def pages(paths: list[Path]) -> pytest.MarkDecorator:
    """A test for each page."""
    return pytest.mark.parametrize("page", [read_page(path) for path in paths], ids=_page_name)


def check_line(line: str, *, complete: bool) -> None:
    """Parse each `rm-local` in the line. Raises click.UsageError."""
    for arguments in program_arguments(line, "rm-local"):
        check_arguments(cli, arguments, complete=complete)


def _page_name(page: Page) -> str:
    return name(page.path)


def command_lines(page: Page) -> Iterator[tuple[str, bool]]:
    """Lines with `rm-local`, and whether each is in a block, where people copy it whole."""
    for line in page.blocks:
        if re.search(r"(?:^|[\s/(])rm-local\b", line):
            yield line, True
    for span in page.spans:
        if re.search(r"(?:^|[|(] *)rm-local ", span):
            yield span, False


@pages(PAGES)
def test_links_lead_to_files_and_headings(page: Page) -> None:
    """Every relative link of a page names a file of the checkout, and a heading in it."""
    for link in page.links:
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (page.path.parent / target).resolve() if target else page.path
        assert path.exists(), link
        if anchor:
            assert anchor in read_page(path).anchors, link


@pages(PAGES)
def test_files_that_a_page_names_exist(page: Page) -> None:
    """Scripts, tests and data that a page names by their path are in the checkout."""
    for text in (*page.blocks, *page.spans):
        for match in SCRIPT.finditer(text):
            assert (ROOT / match[1]).exists(), match[1]


def test_every_page_that_is_named_anywhere_exists() -> None:
    """Code, comments, messages and data name documents by paths that exist."""
    folders = ("rm_local", "tests", "packaging", "examples", "models", "docs")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    sources = [path for path in paths if path.suffix in SOURCES and path.is_file()]
    texts = {path: path.read_text(encoding="utf-8") for path in [*sources, *TOP]}
    named = {(path, found) for path, text in texts.items() for found in DOCUMENT.findall(text)}

    assert named
    assert not [f"{name(path)}: {found}" for path, found in named if not (ROOT / found).exists()]


def test_the_index_lists_every_page() -> None:
    """docs/README.md links each page of the four shelves once."""
    index = ROOT / "docs" / "README.md"
    linked = [(index.parent / link).resolve() for link in read_page(index).links]

    assert sorted(path for path in linked if path.suffix == ".md") == [
        path for path in DOCS if path != index
    ]


@pytest.mark.parametrize(
    "path",
    [*TOP, *DOCS, *OTHERS],
    ids=name,
)
def test_lines_are_not_too_long(path: Path) -> None:
    """No line of a page has more than LONGEST_LINE characters, tables included."""
    lines = path.read_text(encoding="utf-8").splitlines()
    long = [number for number, line in enumerate(lines, 1) if len(line) > LONGEST_LINE]

    assert not long


def test_docs_do_without_the_words_of_the_style_list() -> None:
    """`packaging/style.py` lists words that stand for something else in this project's prose."""
    spec = importlib.util.spec_from_file_location("style", ROOT / "packaging" / "style.py")
    assert spec
    assert spec.loader
    style = importlib.util.module_from_spec(spec)
    sys.modules["style"] = style  # dataclasses look their module up
    spec.loader.exec_module(style)

    assert not [
        (path, number, word)
        for path, number, word in style.list_discouraged_words()
        if path in DOCS
    ]


@pages(PAGES)
def test_commands_are_commands_of_rm_local(page: Page) -> None:
    """Click knows each command and option; in a block, nothing that is required is missing."""
    for line, complete in command_lines(page):
        try:
            check_line(line, complete=complete)
        except click.UsageError as error:
            pytest.fail(f"{line}: {error.format_message()}")


@pages(PAGES)
def test_options_that_a_page_names_exist(page: Page) -> None:
    """Of the command that is named with them; or, named alone, of a command or a script."""
    old = {
        name
        for names in (*old_names.COMMANDS.values(), *old_names.OPTIONS.values())
        for name in names
    }
    for span in page.spans:
        if old & {word.lstrip("-") for word in span.split()}:
            continue  # the changelog names what was renamed
        try:
            check_options(span)
        except click.UsageError as error:
            pytest.fail(f"{span}: {error.format_message()}")


def check_options(span: str) -> None:
    """Check the options in a piece of code without `rm-local`. Raises click.UsageError."""
    first = span.split(" ")[0]
    if first in COMMANDS and " = " not in span:  # a setting may have the name of a command
        with suppress(click.BadOptionUsage):  # named without its value
            check_line(f"rm-local {span}", complete=False)
    elif first.startswith("-"):
        known = list_options(cli) | list_script_options() | {"--help", "-h"}
        for option in OPTION.findall(span):
            if option not in known:
                raise click.NoSuchOption(option)


def list_options(command: click.Command) -> set[str]:
    """All options of a command, and of those in it."""
    found = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            found |= list_options(inner) if inner else set()
    return found


def list_script_options() -> set[str]:
    """The options that scripts outside of `rm_local` declare."""
    folders = ("packaging", "examples", "models", "tests/campaigns", "tests/support")
    scripts = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return {found for path in scripts for found in DECLARED.findall(path.read_text("utf-8"))}


@pytest.mark.parametrize(
    "span", ["models --every", "search --plan x", "--no-such-option", "sessions -k"]
)
def test_wrong_options_are_found(span: str) -> None:
    """Of a command that has others, and of none."""
    with pytest.raises(click.UsageError):
        check_options(span)


@pytest.mark.parametrize("span", ["models --all", "models --json", "sessions --json", "--lora"])
def test_options_that_exist_pass(span: str) -> None:
    """Also those that a group has without a command."""
    check_options(span)


@pages(PAGES)
def test_modules_to_run_exist(page: Page) -> None:
    """`python -m NAME` names a module, or a package that can be run."""
    for text in (*page.blocks, *page.spans):
        for match in PYTHON.finditer(text):
            assert is_runnable(match[1]), match[0]


def is_runnable(module: str) -> bool:
    """Whether `python -m module` finds something to run, here or among what is installed."""
    path = ROOT.joinpath(*module.split("."))
    if path.parts[len(ROOT.parts)] in {folder.name for folder in ROOT.iterdir()}:
        return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()
    return importlib.util.find_spec(module) is not None


@pytest.mark.parametrize(
    ("line", "complete"),
    [
        ("rm-local asks", False),
        ("rm-local ask --memories x", False),
        ("rm-local store build --out", False),
        ("rm-local store build entries.jsonl", True),
        ("rm-local store info | rm-local store info much", False),
        ('echo "$(rm-local models fetch qwen3-8b)"', False),
    ],
)
def test_wrong_commands_are_found(line: str, complete: bool) -> None:
    """The check fails on what click would not take, also after a pipe and in `$(...)`."""
    with pytest.raises(click.UsageError):
        check_line(line, complete=complete)


@pytest.mark.parametrize("module", ["models.nano.no_such", "models.nano", "no_such_module"])
def test_modules_that_cannot_be_run_are_found(module: str) -> None:
    """A missing module, and a package without `__main__`."""
    assert not is_runnable(module)


def test_links_and_anchors_are_read(tmp_path: Path) -> None:
    """Links in code do not count; equal headings get numbers, as on GitHub."""
    path = tmp_path / "page.md"
    path.write_text(
        "# `ask`, and *more*\n\n## Twice\n\n## Twice\n\n[a](b.md#c) `[x](y)`\n\n"
        "```sh\nrm-local ask\n# no heading [z](z)\n```\n\n    indented\n",
        encoding="utf-8",
    )
    page = read_page(path)

    assert page.anchors == {"ask-and-more", "twice", "twice-1"}
    assert [*page.links] == ["b.md#c"]
    assert page.blocks == ("rm-local ask", "# no heading [z](z)", "    indented")


def test_generated_pages_are_what_the_code_says() -> None:
    """`python packaging/reference.py` would write the same pages."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "packaging" / "reference.py")
    assert spec
    assert spec.loader
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    folder = ROOT / "docs" / "reference"
    written = {name: (folder / name).read_text("utf-8") for name in reference.build_pages()}

    assert written == reference.build_pages()
