"""`packaging/try_docs.py`: what it takes for a command, and what it finds."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.markdown import read_page
from tests.support.page_commands import Kind, find_kind, list_commands, opens_app
from tests.support.throwaway_checkout import ThrowawayCheckout

ROOT = Path(__file__).resolve().parents[2]
UNIX = pytest.mark.skipif(
    sys.platform == "win32" or not shutil.which("git"), reason="needs a Unix shell and git"
)


def load_script() -> ModuleType:
    """The script as a module."""
    path = ROOT / "packaging" / "try_docs.py"
    spec = importlib.util.spec_from_file_location("try_docs", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["try_docs"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


SCRIPT = load_script()
COMMANDS = [each for path in SCRIPT.list_pages(ROOT) for each in list_commands(read_page(path))]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("rm-local store import my.jsonl   # a FILE", Kind.COMMAND),
        ('rm-local ask "Answer it as JSON"', Kind.COMMAND),
        ("rm-local models pull org/repo:Q6_K", Kind.COMMAND),
        ('rm-local --model "$(rm-local models pull qwen3-8b)"', Kind.COMMAND),
        ('pip install "rm-local[small]"', Kind.COMMAND),
        ("rm-local store import", Kind.NAME),
        ("rm-local models pull", Kind.NAME),
        ("rm-local store gate FILE --store S", Kind.FORM),
        ("rm-local models bench [MODEL]", Kind.FORM),
        ("rm-local models bench SMOLLM2", Kind.FORM),
        ("python -m models.curriculum.gym --model MODEL.gguf", Kind.FORM),
        ("rm-local store build FILE... --out my.rms", Kind.FORM),
        ('pip install ".[NAME]"', Kind.FORM),
        ('cat notes.txt | rm-local ask "..."', Kind.FORM),
    ],
)
def test_commands_forms_and_names_are_distinguished(line: str, kind: Kind) -> None:
    """A placeholder makes a form; what the command line would refuse only names a command."""
    assert find_kind(line) is kind


@pytest.mark.parametrize("line", ["rm-local", "rm-local --store my.rms  # x", ".venv/bin/rm-local"])
def test_the_app_is_recognized(line: str) -> None:
    """With and without options."""
    assert opens_app(line)


@pytest.mark.parametrize("line", ["rm-local --help", "rm-local models", "cat x | rm-local", "ls"])
def test_other_commands_do_not_open_the_app(line: str) -> None:
    """Also one that has the program's name alone at its end."""
    assert not opens_app(line)


def test_blocks_and_spans_are_read_in_the_order_of_the_page(tmp_path: Path) -> None:
    """Continued lines are one command; comments and code of other languages are none."""
    path = tmp_path / "page.md"
    path.write_text(
        "Run `rm-local doctor`, not `doctor`.\n\n```sh\n# first\nrm-local ask \\\nhi\nls\n```\n\n"
        "Then `rm-local\nmodels`.\n\n```toml\npip = 1\n```\n\n    rm-local sessions\n    a = b\n",
        encoding="utf-8",
    )
    found = [(each.number, each.line) for each in list_commands(read_page(path))]

    assert found == [
        (1, "rm-local doctor"),
        (5, "rm-local ask hi"),
        (7, "ls"),
        (10, "rm-local models"),
        (17, "rm-local sessions"),
    ]


def test_no_command_to_copy_has_a_placeholder() -> None:
    """Readers copy the lines of blocks."""
    assert not [each.line for each in COMMANDS if each.in_block and each.kind is Kind.FORM]


def test_every_row_of_the_table_is_used() -> None:
    """Each pattern is the first that is found in a command; each file is named by a command."""
    table = SCRIPT.read_table()
    lines = [each.shown for each in COMMANDS if each.kind is Kind.COMMAND]
    for rules in (table.not_run, table.before):
        used = {SCRIPT.find_rule(rules, line) for line in lines}
        assert not [rule.pattern.pattern for rule in rules if rule not in used]
    assert not [name for name in table.inputs if not any(name in line for line in lines)]


def test_exit_codes_of_the_table_are_on_the_pages() -> None:
    """A page with the command has the words that announce its exit code."""
    for rule in SCRIPT.read_table().exits:
        pages = [each.page for each in COMMANDS if rule.pattern.search(each.shown)]

        assert pages
        assert all(rule.says in " ".join(page.prose.split()) for page in pages)


def make_checkout(folder: Path, text: str) -> Path:
    """A git repository with one page that has the text; the page."""
    page = folder / "original" / "page.md"
    page.parent.mkdir()
    page.write_text(text, encoding="utf-8")
    for command in (["init", "--quiet"], ["add", "page.md"]):
        subprocess.run(["git", *command], cwd=page.parent, check=True)
    return page


@UNIX
def test_a_command_that_does_not_end_is_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what it has started."""
    page = make_checkout(tmp_path, "```sh\nsleep 1000 | cat\n```\n")
    table = SCRIPT.Table((), (), (), {})
    checkout = ThrowawayCheckout(page.parent, tmp_path)
    trial = SCRIPT.Trial(checkout, table, limit_s=0.1)
    trial.try_page(checkout.find_copy(page))

    assert "page.md:2  FAILED: exit code -9" in capsys.readouterr().out


@UNIX
def test_what_fails_and_what_changes_files_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other commands pass: those with the page's exit code, and those that find what was made."""
    page = make_checkout(
        tmp_path,
        "It ends with 4.\n\n```sh\ncat given.txt\necho x > page.md\ncat page.md\nexit 3\nexit 4\n"
        'ls made.txt\nhours\ncp NAME x\necho "$HOME"\n```\n',
    )
    rule, found = SCRIPT.Rule, re.compile
    table = SCRIPT.Table(
        (rule(found("hours"), "takes hours", "true"),),
        (rule(found("exit [34]"), code=4, says="It ends with 4."),),
        (rule(found("^ls made"), run="echo z > made.txt"),),
        {"given.txt": "echo y > given.txt"},
    )
    checkout = ThrowawayCheckout(page.parent, tmp_path)
    trial = SCRIPT.Trial(checkout, table)
    trial.try_page(checkout.find_copy(page))
    lines = capsys.readouterr().out.splitlines()

    assert [line.split("  ")[-1] for line in lines if "FAILED" in line] == [
        "echo x > page.md",
        "exit 3",
        "cp NAME x",
    ]
    assert "    changes page.md" in lines
    assert any("[not run: takes hours: hours]" in line for line in lines)
    assert trial.counts["failed"] == 3
    assert trial.counts["run as they stand"] == 7
    assert trial.counts["run in the place of another"] == 1
    assert page.read_text("utf-8").startswith("It ends")


@UNIX
def test_a_page_that_is_not_of_the_checkout_is_refused(tmp_path: Path) -> None:
    """Outside of it, absent, or not tracked."""
    page = make_checkout(tmp_path, "")
    checkout = ThrowawayCheckout(page.parent, tmp_path)
    page.with_name("new.md").touch()

    for path in (tmp_path / "x.md", page.with_name("absent.md"), page.with_name("new.md")):
        with pytest.raises(ValueError, match="is not tracked by git"):
            checkout.find_copy(path)
